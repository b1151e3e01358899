package io.stencil.tensor;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A weight matrix as it rests in memory: `W[r, c] = values[r, c] * rowScale[r]`.
///
/// Float8 e4m3fn (Micikevicius et al. 2022, arXiv:2209.05433) has three bits of mantissa and reaches from 2^-9 to 448,
/// so that weights, which are small, need a scale. One a row brings each row's largest value to 448.
///
/// @param values [rows, columns]
/// @param rowScale float32 `[rows]`, or null when the values are the weight
public record RestingWeight(Tensor values, @Nullable Tensor rowScale) {

    /// The largest value of float8 e4m3fn.
    private static final double LARGEST = 448;

    /// Elements that are brought to float32 at once: 1 MB, which stays in the processor's cache.
    private static final long ELEMENTS_AT_ONCE = 256L << 10;

    /// A weight whose values stand for themselves.
    public static RestingWeight of(Tensor values) {
        return new RestingWeight(values, null);
    }

    /// A weight in float8, with a scale for each row. Of the weight given some rows at a time are copied, never all.
    ///
    /// Each value that is not far below its row's largest keeps a relative error of at most 2^-4. What is not a number
    /// or infinite makes its row not a number.
    ///
    /// @param weight [rows, columns], in any floating-point dtype, on the CPU
    public static RestingWeight float8(Tensor weight) {
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
        return new RestingWeight(values, scale);
    }

    /// The largest magnitude of each row, `[rows]`.
    private static Tensor largest(Tensor rows) {
        long[] columns = {1};
        return rows.amax(columns, false).maximum(rows.amin(columns, false).neg());
    }

    /// The dtype of the values.
    public DType dtype() {
        return DType.of(values);
    }

    /// The whole weight in `dtype`: the values themselves when they are in it and have no scale.
    public Tensor in(DType dtype) {
        return rowScale == null
                ? dtype.cast(values)
                : dtype.cast(DType.FLOAT32.cast(values).mul(rowScale.unsqueeze(1)));
    }
}
