package io.stencil.flux2.vae;

import io.stencil.nn.Attention;
import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.CancellationToken;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The blocks that encoder and decoder are built from, under the names that they have in checkpoints.
final class VaeBlocks {

    private VaeBlocks() {}

    /// Runs layers one after another; what a layer made is freed as soon as the next one is through with it. While
    /// gradients are recorded, libtorch keeps what it needs for the backward pass beyond that.
    ///
    /// @return the last layer's result, owned by the caller's scope
    static Tensor chain(List<UnaryOperator<Tensor>> layers, Tensor x) {
        try (Scope scope = new Scope();
                OwnedTensor current = new OwnedTensor(x)) {
            for (UnaryOperator<Tensor> layer : layers) {
                CancellationToken.check();
                try (Scope _ = new Scope()) {
                    current.set(layer.apply(current.get()));
                }
            }
            return scope.keep(current.get());
        }
    }

    /// Two convolutions, each behind a normalisation and SiLU, whose result is added to the input (He et al. 2016,
    /// arXiv:1603.05027).
    static final class ResnetBlock extends Module {

        private final List<UnaryOperator<Tensor>> layers;
        private final @Nullable Conv2d shortcut;

        ResnetBlock(int in, int out, int groups) {
            layers = List.of(
                    module("norm1", new GroupNorm(groups, in, VaeConfig.GROUP_NORM_EPS))::forward,
                    Ops::siluInPlace,
                    module("conv1", new Conv2d(in, out, 3))::forward,
                    module("norm2", new GroupNorm(groups, out, VaeConfig.GROUP_NORM_EPS))::forward,
                    Ops::siluInPlace,
                    module("conv2", new Conv2d(out, out, 3))::forward);
            shortcut = in == out ? null : module("conv_shortcut", new Conv2d(in, out, 1));
        }

        /// @param x `[B, in, H, W]`
        /// @return `[B, out, H, W]`
        Tensor forward(Tensor x) {
            try (Scope scope = new Scope()) {
                Tensor update = chain(layers, x);
                return scope.keep(Ops.addInPlace(update, shortcut == null ? x : shortcut.forward(x)));
            }
        }
    }

    /// Every pixel sees every pixel, with one head as wide as the channels; added to the input.
    static final class SpatialAttention extends Module {

        private final GroupNorm norm;
        private final Linear query;
        private final Linear key;
        private final Linear value;
        private final Linear out;

        SpatialAttention(int channels, int groups) {
            norm = module("group_norm", new GroupNorm(groups, channels, VaeConfig.GROUP_NORM_EPS));
            query = module("to_q", new Linear(channels, channels, true));
            key = module("to_k", new Linear(channels, channels, true));
            value = module("to_v", new Linear(channels, channels, true));
            out = module("to_out.0", new Linear(channels, channels, true));
        }

        /// @param x `[B, C, H, W]`
        /// @return the shape of `x`
        Tensor forward(Tensor x) {
            try (Scope scope = new Scope()) {
                Tensor tokens = norm.forward(x).flatten(2, 3).transpose(1, 2); // [B, HW, C]
                Tensor attended = Attention.attend(
                        query.forward(tokens).unsqueeze(2), // [B, HW, 1, C]
                        key.forward(tokens).unsqueeze(2),
                        value.forward(tokens).unsqueeze(2));
                Tensor update = out.forward(attended).transpose(1, 2).unflatten(2, x.size(2), x.size(3));
                return scope.keep(x.add(update));
            }
        }
    }

    /// What lies between the levels, at the lowest resolution.
    static final class MidBlock extends Module {

        private final List<UnaryOperator<Tensor>> layers;

        MidBlock(int channels, int groups) {
            layers = List.of(
                    module("resnets.0", new ResnetBlock(channels, channels, groups))::forward,
                    module("attentions.0", new SpatialAttention(channels, groups))::forward,
                    module("resnets.1", new ResnetBlock(channels, channels, groups))::forward);
        }

        /// @param x `[B, C, H/8, W/8]`
        /// @return the shape of `x`
        Tensor forward(Tensor x) {
            return chain(layers, x);
        }
    }

    /// Halves height and width.
    static final class Downsample extends Module {

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

    /// Doubles height and width.
    static final class Upsample extends Module {

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
}
