package io.stencil.tensor;

import java.util.List;
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
/// Another quantization is another case: [#in], [#tensors], [#map], and how [some of its rows][#forEachPart] are
/// widened.
public sealed interface WeightValues {

    /// Elements of a widened part: 16 MB in float32.
    long PART_ELEMENTS = 4L << 20;

    /// Values that are the weight itself.
    ///
    /// @param tensor of any shape
    record Plain(Tensor tensor) implements WeightValues {}

    /// A matrix in float8 e4m3fn (Micikevicius et al. 2022, arXiv:2209.05433): `W[r, c] = values[r, c] * rowScale[r]`.
    ///
    /// This float8 has three bits of mantissa and reaches from 2^-9 to 448, so that weights, which are small, need a
    /// scale. One a row brings each row's largest value to 448.
    ///
    /// @param values [rows, columns]
    /// @param rowScale float32 `[rows]`
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

    /// All tensors that the values consist of; the first one has the shape and the dtype of the weight.
    default List<Tensor> tensors() {
        return switch (this) {
            case Plain plain -> List.of(plain.tensor);
            case Float8 narrow -> List.of(narrow.values, narrow.rowScale);
        };
    }

    /// The same values in other tensors, such as copies on another device.
    default WeightValues map(UnaryOperator<Tensor> change) {
        return switch (this) {
            case Plain plain -> new Plain(change.apply(plain.tensor));
            case Float8 narrow -> new Float8(change.apply(narrow.values), change.apply(narrow.rowScale));
        };
    }

    /// The dtype of the values at rest.
    default DType dtype() {
        return DType.of(tensors().getFirst());
    }

    /// The whole weight in `dtype`: the tensor itself when it has that dtype and is not quantized.
    default Tensor in(DType dtype) {
        return switch (this) {
            case Plain plain -> dtype.cast(plain.tensor);
            case Float8 narrow -> dtype.cast(DType.FLOAT32.cast(narrow.values).mul(narrow.rowScale.unsqueeze(1)));
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
        long rowsAtOnce = dtype() == dtype ? rows : Math.max(1, PART_ELEMENTS / size(1));
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
                                        narrow.rowScale.narrow(0, row, count));
                        });
            }
        }
    }

    private static Tensor widened(Tensor values, long row, long count, DType dtype) {
        Tensor rows = values.narrow(0, row, count);
        if (DType.of(values) == dtype) {
            return rows;
        }
        long columns = values.size(1);
        Tensor buffer = Scope.CastBuffer.of(dtype, Device.of(values), Math.max(PART_ELEMENTS, columns));
        return buffer.narrow(0, 0, count * columns).view(count, columns).copy_(rows);
    }

    private long size(int dimension) {
        return tensors().getFirst().size(dimension);
    }

    private static long[] withLast(Tensor like, long size) {
        long[] shape = Tensors.shape(like);
        shape[shape.length - 1] = size;
        return shape;
    }
}
