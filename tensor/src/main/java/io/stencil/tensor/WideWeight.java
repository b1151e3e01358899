package io.stencil.tensor;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// A weight matrix that rests in one dtype and is multiplied in another, without a copy of the whole.
///
/// Rows of it are cast, some at a time, into a [CastBuffer] that all products of a thread share until its outermost
/// scope is closed, and that is small enough to stay in the processor's cache. The scale of a row, where there is one,
/// is put on the row's column of what is multiplied, not on the row itself. Gradients do not flow through.
public final class WideWeight {

    /// Elements of the buffer: 16 MB in float32.
    private static final long BUFFER_ELEMENTS = 4L << 20;

    private final Tensor weight;
    private final @Nullable Tensor rowScale;
    private final DType dtype;
    private final long rows;
    private final long columns;
    private final long rowsAtOnce;

    private WideWeight(RestingWeight resting, DType dtype) {
        this.weight = resting.values();
        this.rowScale = resting.rowScale();
        this.dtype = dtype;
        this.rows = weight.size(0);
        this.columns = weight.size(1);
        this.rowsAtOnce = DType.of(weight) == dtype ? rows : Math.max(1, BUFFER_ELEMENTS / columns);
    }

    /// @param weight [rows, columns]
    /// @param dtype of the products
    public static WideWeight of(RestingWeight weight, DType dtype) {
        return new WideWeight(weight, dtype);
    }

    /// `x W^T`.
    ///
    /// @param x [..., columns], in the dtype of the products
    /// @return [..., rows]
    public Tensor multiplyTransposed(Tensor x) {
        Tensor flat = x.reshape(-1, columns);
        Tensor result = Tensors.empty(dtype, Device.of(x), withLast(x, rows));
        Tensor product = result.view(-1, rows);
        for (long row = 0; row < rows; row += rowsAtOnce) {
            try (Scope _ = new Scope()) {
                long count = Math.min(rowsAtOnce, rows - row);
                Tensor share = product.narrow(1, row, count);
                torch.mm_out(share, flat, part(row, count).t());
                if (rowScale != null) {
                    share.mul_(rowScale.narrow(0, row, count));
                }
            }
        }
        return result;
    }

    /// `g W`.
    ///
    /// @param g [..., rows], in the dtype of the products
    /// @return [..., columns]
    public Tensor multiply(Tensor g) {
        Tensor flat = g.reshape(-1, rows);
        Tensor result = Tensors.empty(dtype, Device.of(g), withLast(g, columns));
        Tensor product = result.view(-1, columns);
        for (long row = 0; row < rows; row += rowsAtOnce) {
            try (Scope _ = new Scope()) {
                long count = Math.min(rowsAtOnce, rows - row);
                Tensor share = scaled(flat.narrow(1, row, count), row, count);
                if (row == 0) {
                    torch.mm_out(product, share, part(row, count));
                } else {
                    torch.addmm_out(product, product, share, part(row, count));
                }
            }
        }
        return result;
    }

    /// Values of some rows of the product's left side, with those rows' scale.
    private Tensor scaled(Tensor share, long row, long count) {
        return rowScale == null ? share : dtype.cast(share.mul(rowScale.narrow(0, row, count)));
    }

    private Tensor part(long row, long count) {
        if (DType.of(weight) == dtype) {
            return weight.narrow(0, row, count);
        }
        Tensor buffer = CastBuffer.of(dtype, Device.of(weight), Math.max(BUFFER_ELEMENTS, columns));
        Tensor part = buffer.narrow(0, 0, count * columns).view(count, columns);
        return part.copy_(weight.narrow(0, row, count));
    }

    private static long[] withLast(Tensor like, long size) {
        long[] shape = Tensors.shape(like);
        shape[shape.length - 1] = size;
        return shape;
    }
}
