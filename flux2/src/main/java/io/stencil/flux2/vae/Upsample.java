package io.stencil.flux2.vae;

import io.stencil.nn.Conv2d;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// Doubles height and width.
final class Upsample extends Module {

    private final Conv2d conv;

    Upsample(int channels) {
        conv = module("conv", new Conv2d(channels, channels, 3));
    }

    /// @param x `[B, C, H, W]`
    /// @return `[B, C, 2H, 2W]`
    Tensor forward(Tensor x) {
        try (Scope scope = new Scope()) {
            return scope.keep(conv.forward(Ops.upsampleNearest2x(x)));
        }
    }
}
