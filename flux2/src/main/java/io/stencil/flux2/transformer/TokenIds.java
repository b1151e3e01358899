package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// Places of tokens, which the rotary embedding reads: columns t (image), h (row), w (column), l (text position).
///
/// Ids are int64 `[1, S, 4]` on the CPU, owned by the caller's scope.
public final class TokenIds {

    static final int COLUMNS = 4;

    private static final int MAX_TOKENS = 1 << 28;

    private static final long FIRST_REFERENCE = 10;
    private static final long REFERENCE_STRIDE = 10;

    private TokenIds() {}

    /// Ids of `count` text tokens: (0, 0, 0, position).
    public static Tensor text(int count) {
        return text(0, count);
    }

    /// Ids of text tokens whose first one has position `start`.
    public static Tensor text(long start, int count) {
        long[] ids = table(count);
        for (int i = 0; i < count; i++) {
            ids[i * COLUMNS + 3] = start + i;
        }
        return Tensors.of(ids, 1, count, COLUMNS);
    }

    /// Ids of the generated image: (0, row, column, 0), row major.
    ///
    /// @param rows height in tokens of 16 pixels; `columns` likewise
    public static Tensor image(int rows, int columns) {
        return grid(0, rows, columns);
    }

    /// Ids of a reference image: (10 + 10 * index, row, column, 0), row major.
    ///
    /// @param index of the image among the references, from 0
    public static Tensor reference(int index, int rows, int columns) {
        return grid(FIRST_REFERENCE + REFERENCE_STRIDE * index, rows, columns);
    }

    private static Tensor grid(long image, int rows, int columns) {
        long[] ids = table((long) rows * columns);
        int count = rows * columns;
        for (int i = 0; i < count; i++) {
            ids[i * COLUMNS] = image;
            ids[i * COLUMNS + 1] = i / columns;
            ids[i * COLUMNS + 2] = i % columns;
        }
        return Tensors.of(ids, 1, count, COLUMNS);
    }

    /// @throws InvalidRequestException for more tokens than fit in an array
    private static long[] table(long count) {
        if (count < 0 || count > MAX_TOKENS) {
            throw new InvalidRequestException(
                    "size", "%s tokens; at most %s have a place".formatted(count, MAX_TOKENS));
        }
        return new long[(int) count * COLUMNS];
    }
}
