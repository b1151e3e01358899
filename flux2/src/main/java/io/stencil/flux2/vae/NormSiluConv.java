package io.stencil.flux2.vae;

import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.tensor.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Normalisation, SiLU, convolution: the unit that every block here is made of.
record NormSiluConv(GroupNorm norm, Conv2d conv) {

    /// Added to the variance by every group normalisation here.
    static final double EPS = 1e-6;

    /// @param x `[B, C, H, W]`
    Tensor forward(Tensor x) {
        return Chain.run(List.of(norm::forward, Ops::silu, conv::forward), x);
    }
}
