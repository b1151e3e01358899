package io.stencil.nn;

import io.stencil.autograd.FrozenLayer;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// Root-mean-square normalisation over the last dimension, with weight (Zhang and Sennrich 2019, arXiv:1910.07467).
public final class RmsNorm extends Module {

    private final Parameter weight;
    private final double eps;

    public RmsNorm(long size, double eps) {
        this.weight = parameter("weight", Initializer.ONES, size);
        this.eps = eps;
    }

    /// @param x [..., size]
    /// @return the shape of `x`
    public Tensor forward(Tensor x) {
        try (OpenPass _ = openLayer()) {
            return FrozenLayer.again(x, in -> Ops.rmsNorm(in, DType.of(in).cast(weight.tensor()), eps), weight);
        }
    }
}
