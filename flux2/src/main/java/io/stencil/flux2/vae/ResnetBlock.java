package io.stencil.flux2.vae;

import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Two convolutions, each behind a normalisation and SiLU, whose result is added to the input (He et al. 2016,
/// arXiv:1603.05027).
final class ResnetBlock extends Module {

    private final List<UnaryOperator<Tensor>> layers;
    private final @Nullable Conv2d shortcut;

    ResnetBlock(int in, int out, int groups) {
        layers = List.of(
                module("norm1", new GroupNorm(groups, in, VaeConfig.GROUP_NORM_EPS))::forward,
                Ops::silu,
                module("conv1", new Conv2d(in, out, 3))::forward,
                module("norm2", new GroupNorm(groups, out, VaeConfig.GROUP_NORM_EPS))::forward,
                Ops::silu,
                module("conv2", new Conv2d(out, out, 3))::forward);
        shortcut = in == out ? null : module("conv_shortcut", new Conv2d(in, out, 1));
    }

    /// @param x `[B, in, H, W]`
    /// @return `[B, out, H, W]`
    Tensor forward(Tensor x) {
        try (Scope scope = new Scope()) {
            Tensor update = Chain.run(layers, x);
            return scope.keep((shortcut == null ? x : shortcut.forward(x)).add(update));
        }
    }
}
