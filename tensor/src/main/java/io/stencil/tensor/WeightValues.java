package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import io.stencil.gguf.BlockType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// The values of a weight as they lie in memory, in one dtype or quantized.
///
/// Products with a matrix need no copy of it in their dtype: some rows at a time are widened into memory that all
/// products of a thread share until its outermost scope is closed, and that is small enough to stay in the processor's
/// cache. Gradients do not flow through these products.
///
/// Another quantization is another case: the compiler names the methods that have to treat it.
public sealed interface WeightValues {

    /// Elements of a widened part: 16 MB in float32.
    long PART_ELEMENTS = 4L << 20;

    /// A part's rows are columns of a product's result. Those of a multiple of this number begin at a cache line, which
    /// makes the product of `[768, 3072]` and `[27648, 3072]` a fifth faster than an odd number of rows does.
    long ROW_ALIGNMENT = 64;

    /// Values that are the weight itself.
    ///
    /// @param tensor of any shape
    record Plain(Tensor tensor) implements WeightValues {}

    /// A matrix in float8 (Micikevicius et al. 2022, arXiv:2209.05433): `W[r, c] = values[r, c] * rowScale[r]`.
    ///
    /// Its e4m3fn has three bits of mantissa and reaches from 2^-9 to 448, so that weights, which are small, need a
    /// scale. One a row brings each row's largest value to 448. Files may have one scale for all rows, or e5m2.
    ///
    /// @param values [rows, columns], float8 e4m3fn or e5m2
    /// @param rowScale float32 `[rows]`, or `[1]` for all rows
    record Float8(Tensor values, Tensor rowScale) implements WeightValues {

        private static final double LARGEST = 448;

        /// Elements that are brought to float32 at once: 1 MB, which stays in the processor's cache.
        private static final long ELEMENTS_AT_ONCE = 256L << 10;

        /// Quantizes a matrix. Some of its rows at a time are copied, never all.
        ///
        /// Each value that is not far below its row's largest keeps a relative error of at most 2^-4. What is not a
        /// number or infinite makes its row not a number.
        ///
        /// @param weight [rows, columns], in any floating-point dtype, on the CPU
        public static Float8 of(Tensor weight) {
            long rows = weight.size(0);
            long columns = weight.size(1);
            long rowsAtOnce = Math.max(1, ELEMENTS_AT_ONCE / Math.max(1, columns));
            Tensor values = Tensors.empty(DType.FLOAT8_E4M3FN, Device.CPU, rows, columns);
            Tensor scale = Tensors.empty(DType.FLOAT32, Device.CPU, rows);
            Tensor buffer = Tensors.empty(DType.FLOAT32, Device.CPU, rowsAtOnce, columns);
            for (long row = 0; row < rows && columns > 0; row += rowsAtOnce) {
                try (Scope _ = new Scope()) {
                    long count = Math.min(rowsAtOnce, rows - row);
                    Tensor wide = buffer.narrow(0, 0, count).copy_(weight.narrow(0, row, count));
                    Tensor share = scale.narrow(0, row, count).copy_(largest(wide));
                    share.div_(new Scalar(LARGEST)).clamp_min_(new Scalar(Float.MIN_NORMAL));
                    values.narrow(0, row, count).copy_(wide.div_(share.unsqueeze(1)));
                }
            }
            return new Float8(values, scale);
        }

        /// The largest magnitude of each row, `[rows]`.
        private static Tensor largest(Tensor rows) {
            long[] columns = {1};
            return rows.amax(columns, false).maximum(rows.amin(columns, false).neg());
        }
    }

    /// A matrix in blocks of quantized values, which run along its rows. They stay on the CPU, in a mapped file say,
    /// and are widened there, in float32, by as many threads as libtorch has.
    ///
    /// @param blocks uint8, whole blocks of all rows
    /// @param rows of the matrix
    /// @param columns of the matrix, a multiple of a block's elements
    /// @param device of the widened parts
    record Blocks(Tensor blocks, BlockType type, long rows, long columns, Device device) implements WeightValues {

        /// Widens some rows into the first elements of `buffer`.
        ///
        /// @param buffer float32 on the CPU
        /// @return [count, columns], a view of `buffer`
        private Tensor widen(long row, long count, Tensor buffer) {
            Tensor wide = buffer.narrow(0, 0, count * columns);
            if (wide.numel() == 0) {
                return wide.view(count, columns);
            }
            long rowBytes = columns / type.elements() * type.bytes();
            MemorySegment from = TensorFiles.bytes(blocks).asSlice(row * rowBytes, count * rowBytes);
            MemorySegment to = TensorFiles.bytes(wide);
            Shares.forEach(
                    count,
                    count,
                    (first, some) -> type.widen(
                            from.asSlice(first * rowBytes, some * rowBytes),
                            to.asSlice(first * columns * Float.BYTES, some * columns * Float.BYTES)));
            return wide.view(count, columns);
        }

        private Tensor widen(long row, long count) {
            return widen(row, count, Tensors.empty(DType.FLOAT32, Device.CPU, count * columns));
        }
    }

    /// All tensors that the values consist of. But for [Blocks], the first one has the shape of the weight.
    default List<Tensor> tensors() {
        return switch (this) {
            case Plain plain -> List.of(plain.tensor);
            case Float8 narrow -> List.of(narrow.values, narrow.rowScale);
            case Blocks blocks -> List.of(blocks.blocks);
        };
    }

    default long[] shape() {
        return switch (this) {
            case Plain plain -> Tensors.shape(plain.tensor);
            case Float8 narrow -> Tensors.shape(narrow.values);
            case Blocks blocks -> new long[] {blocks.rows, blocks.columns};
        };
    }

    /// The device of products with the values.
    default Device device() {
        return this instanceof Blocks blocks
                ? blocks.device
                : Device.of(tensors().getFirst());
    }

    /// The same values for products on a device.
    default WeightValues on(Device device) {
        return this instanceof Blocks matrix
                ? new Blocks(matrix.blocks, matrix.type, matrix.rows, matrix.columns, device)
                : map(device::place);
    }

    /// The same values in other tensors, such as copies on another device.
    default WeightValues map(UnaryOperator<Tensor> change) {
        return switch (this) {
            case Plain plain -> new Plain(change.apply(plain.tensor));
            case Float8 narrow -> new Float8(change.apply(narrow.values), change.apply(narrow.rowScale));
            case Blocks(var blocks, var type, var rows, var columns, var device) ->
                new Blocks(change.apply(blocks), type, rows, columns, device);
        };
    }

    /// The dtype of the values at rest; of [Blocks] float32, which holds their values exactly.
    default DType dtype() {
        return this instanceof Blocks ? DType.FLOAT32 : DType.of(tensors().getFirst());
    }

    /// The name of the quantization, such as `float8` or `Q4_K`; empty when each value is itself in a dtype that is
    /// computed in.
    default Optional<String> quantization() {
        return this instanceof Blocks blocks
                ? Optional.of(blocks.type.formatName())
                : Optional.of("float8").filter(_ -> dtype().isFloat8());
    }

    /// The whole weight in `dtype`: the tensor itself when it has that dtype and is not quantized.
    default Tensor in(DType dtype) {
        return switch (this) {
            case Plain plain ->
                DType.of(plain.tensor).isFloat8() && !dtype.isFloat8()
                        ? Float8Widening.cast(plain.tensor, dtype)
                        : dtype.cast(plain.tensor);
            case Float8 narrow ->
                dtype.cast(Float8Widening.cast(narrow.values, DType.FLOAT32)
                        .mul(narrow.rowScale.numel() == 1 ? narrow.rowScale : narrow.rowScale.unsqueeze(1)));
            case Blocks blocks -> blocks.device.place(blocks.widen(0, blocks.rows), dtype);
        };
    }

    /// Some rows of a matrix; of a quantized one only these are widened.
    ///
    /// @param ids int64, any shape
    /// @return [..., columns], in the dtype of the values, of quantized ones in float32
    default Tensor rows(Tensor ids) {
        return switch (this) {
            case Plain plain -> Ops.embedding(plain.tensor, ids);
            case Float8 narrow -> {
                Tensor rows = DType.FLOAT32.cast(Ops.embedding(narrow.values, ids));
                yield narrow.rowScale.numel() == 1
                        ? rows.mul(narrow.rowScale)
                        : rows.mul(Ops.embedding(narrow.rowScale.unsqueeze(1), ids));
            }
            case Blocks blocks -> {
                long[] numbers = Tensors.toLongs(ids);
                Tensor rows = Tensors.empty(DType.FLOAT32, Device.CPU, numbers.length, blocks.columns);
                for (int i = 0; i < numbers.length; i++) {
                    if (numbers[i] < 0 || numbers[i] >= blocks.rows) {
                        throw new InvalidRequestException(
                                "ids", "row %s of %s rows is not there".formatted(numbers[i], blocks.rows));
                    }
                    try (Scope _ = new Scope()) {
                        blocks.widen(numbers[i], 1, rows.select(0, i));
                    }
                }
                long[] shape = Arrays.copyOf(Tensors.shape(ids), (int) ids.dim() + 1);
                shape[shape.length - 1] = blocks.columns;
                yield blocks.device.place(rows.view(shape));
            }
        };
    }

    /// `x W^T`, in the dtype of `x`.
    ///
    /// @param x [..., columns]
    /// @return [..., rows]
    default Tensor multiplyTransposed(Tensor x) {
        long rows = size(0);
        Tensor flat = x.reshape(-1, size(1));
        Tensor result = Tensors.empty(DType.of(x), Device.of(x), withLast(x, rows));
        Tensor product = result.view(-1, rows);
        forEachPart(DType.of(x), part -> {
            Tensor share = product.narrow(1, part.row, part.count);
            torch.mm_out(share, flat, part.values.t());
            if (part.scale != null) {
                share.mul_(part.scale);
            }
        });
        return result;
    }

    /// `g W`, in the dtype of `g`.
    ///
    /// @param g [..., rows]
    /// @return [..., columns]
    default Tensor multiply(Tensor g) {
        DType dtype = DType.of(g);
        long columns = size(1);
        Tensor flat = g.reshape(-1, size(0));
        Tensor result = Tensors.empty(dtype, Device.of(g), withLast(g, columns));
        Tensor product = result.view(-1, columns);
        forEachPart(dtype, part -> {
            Tensor narrow = flat.narrow(1, part.row, part.count);
            Tensor share = part.scale == null ? narrow : dtype.cast(narrow.mul(part.scale));
            if (part.row == 0) {
                torch.mm_out(product, share, part.values);
            } else {
                torch.addmm_out(product, product, share, part.values);
            }
        });
        return result;
    }

    /// Some rows of the matrix, in the dtype of a product. The scale of a row, where there is one, is for the row's
    /// column of what is multiplied: that is exact and less work than scaling the row.
    ///
    /// @param row the first one
    /// @param count of rows
    /// @param values [count, columns]
    /// @param scale float32 `[count]`, or null for 1
    record Part(
            long row, long count, Tensor values, @Nullable Tensor scale) {}

    /// Widens the matrix part by part, from the first row to the last; a part is gone when `use` returns.
    default void forEachPart(DType dtype, Consumer<Part> use) {
        long rows = size(0);
        long rowsAtOnce = dtype() == dtype && quantization().isEmpty() ? rows : rowsAtOnce(size(1));
        for (long row = 0; row < rows; row += rowsAtOnce) {
            long count = Math.min(rowsAtOnce, rows - row);
            try (Scope _ = new Scope()) {
                use.accept(
                        switch (this) {
                            case Plain plain -> new Part(row, count, widened(plain.tensor, row, count, dtype), null);
                            case Float8 narrow ->
                                new Part(
                                        row,
                                        count,
                                        widened(narrow.values, row, count, dtype),
                                        narrow.rowScale.numel() == 1
                                                ? narrow.rowScale.expand(count)
                                                : narrow.rowScale.narrow(0, row, count));
                            case Blocks blocks -> new Part(row, count, widened(blocks, row, count, dtype), null);
                        });
            }
        }
    }

    /// How many rows make a part. Their number is a multiple of [#ROW_ALIGNMENT] where that many fit.
    private static long rowsAtOnce(long columns) {
        long rows = Math.max(1, PART_ELEMENTS / Math.max(1, columns));
        return rows > ROW_ALIGNMENT ? rows - rows % ROW_ALIGNMENT : rows;
    }

    private static Tensor widened(Blocks blocks, long row, long count, DType dtype) {
        Tensor buffer = Scope.CastBuffer.of(dtype, blocks.device, Math.max(PART_ELEMENTS, blocks.columns));
        if (dtype == DType.FLOAT32 && blocks.device.equals(Device.CPU)) {
            return blocks.widen(row, count, buffer);
        }
        return buffer.narrow(0, 0, count * blocks.columns)
                .view(count, blocks.columns)
                .copy_(blocks.widen(row, count));
    }

    private static Tensor widened(Tensor values, long row, long count, DType dtype) {
        Tensor rows = values.narrow(0, row, count);
        if (DType.of(values) == dtype) {
            return rows;
        }
        long columns = values.size(1);
        Tensor buffer = Scope.CastBuffer.of(dtype, Device.of(values), Math.max(PART_ELEMENTS, columns));
        return Float8Widening.copy(rows, buffer.narrow(0, 0, count * columns).view(count, columns));
    }

    private long size(int dimension) {
        return shape()[dimension];
    }

    private static long[] withLast(Tensor like, long size) {
        long[] shape = Tensors.shape(like);
        shape[shape.length - 1] = size;
        return shape;
    }
}
