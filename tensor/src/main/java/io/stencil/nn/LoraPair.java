package io.stencil.nn;

import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// A low-rank update of one linear layer (Hu et al. 2021, arXiv:2106.09685): `W x` becomes `W x + B (A x)`.
///
/// @param a [r, in]
/// @param b [out, r]
public record LoraPair(Tensor a, Tensor b) {

    /// The update of an output: `B (A x)`, for x [..., in] gives [..., out], in the dtype of `x`.
    Tensor update(Tensor x) {
        return Ops.linear(Ops.linear(x, a.to(x.scalar_type()), null), b.to(x.scalar_type()), null);
    }

    /// Ranks added up: joined along the rank, so that the effect is the sum of both updates.
    public LoraPair join(LoraPair other) {
        return new LoraPair(Ops.cat(0, a, other.a), Ops.cat(1, b, other.b));
    }
}
