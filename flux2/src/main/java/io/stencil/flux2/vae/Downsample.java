package io.stencil.flux2.vae;

import io.stencil.nn.Conv2d;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// Halves height and width.
final class Downsample extends Module {

    private final Conv2d conv;

    Downsample(int channels) {
        conv = module("conv", new Conv2d(channels, channels, 3, 2, 0));
    }

    /// @param x `[B, C, H, W]`, both sides even
    /// @return `[B, C, H/2, W/2]`
    Tensor forward(Tensor x) {
        try (Scope scope = new Scope()) {
            return scope.keep(conv.forward(Ops.padRightBottom(x, 1, 1)));
        }
    }
}
