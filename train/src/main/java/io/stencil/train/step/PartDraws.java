package io.stencil.train.step;

import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;

/// The draws for a process's part of one batch: those for the other parts are made and dropped, so that every sample
/// has the numbers that it has in one process.
public final class PartDraws implements NoiseDraws {

    private final NoiseDraws all;
    private final int before;
    private final int after;
    private int left;
    private boolean begun;

    /// @param all in the same state in all processes
    /// @param before samples of the batch that lie before the part
    /// @param own samples of the part
    /// @param after samples of the batch that lie after the part
    public PartDraws(NoiseDraws all, int before, int own, int after) {
        this.all = all;
        this.before = before;
        this.left = own;
        this.after = after;
    }

    @Override
    public Draw next(DType dtype, long... shape) {
        if (!begun) {
            begun = true;
            drop(before, dtype, shape);
        }
        Draw draw = all.next(dtype, shape);
        left--;
        if (left == 0) {
            drop(after, dtype, shape);
        }
        return draw;
    }

    private void drop(int count, DType dtype, long... shape) {
        for (int i = 0; i < count; i++) {
            try (Scope _ = new Scope()) {
                all.next(dtype, shape);
            }
        }
    }
}
