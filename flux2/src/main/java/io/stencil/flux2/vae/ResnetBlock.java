package io.stencil.flux2.vae;

import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Module;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Two convolutions whose result is added to the input (He et al. 2016, arXiv:1603.05027).
final class ResnetBlock extends Module {

    private final NormSiluConv first;
    private final NormSiluConv second;
    private final @Nullable Conv2d shortcut;

    ResnetBlock(int in, int out, int groups) {
        first = new NormSiluConv(
                module("norm1", new GroupNorm(groups, in, NormSiluConv.EPS)), module("conv1", new Conv2d(in, out, 3)));
        second = new NormSiluConv(
                module("norm2", new GroupNorm(groups, out, NormSiluConv.EPS)),
                module("conv2", new Conv2d(out, out, 3)));
        shortcut = in == out ? null : module("conv_shortcut", new Conv2d(in, out, 1));
    }

    /// @param x `[B, in, H, W]`
    /// @return `[B, out, H, W]`
    Tensor forward(Tensor x) {
        try (Scope scope = new Scope()) {
            Tensor update = second.forward(first.forward(x));
            return scope.keep((shortcut == null ? x : shortcut.forward(x)).add(update));
        }
    }
}
