package io.stencil.nn;

import io.stencil.autograd.FrozenLayer;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// Group normalisation with weight and bias (Wu and He 2018, arXiv:1803.08494).
public final class GroupNorm extends Module {

    private final Parameter weight;
    private final Parameter bias;
    private final long groups;
    private final double eps;

    public GroupNorm(long groups, long channels, double eps) {
        this.weight = parameter("weight", Initializer.ONES, channels);
        this.bias = parameter("bias", Initializer.ZEROS, channels);
        this.groups = groups;
        this.eps = eps;
    }

    /// @param x [B, C, ...]
    /// @return the shape of `x`
    public Tensor forward(Tensor x) {
        try (OpenPass _ = openLayer()) {
            return FrozenLayer.again(x, this::normalize, weight, bias);
        }
    }

    private Tensor normalize(Tensor x) {
        DType dtype = DType.of(x);
        return Ops.groupNorm(x, groups, dtype.cast(weight.tensor()), dtype.cast(bias.tensor()), eps);
    }
}
