package io.stencil.flux2.vae;

import io.stencil.nn.Module;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// What lies between the levels, at the lowest resolution.
final class MidBlock extends Module {

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
        return Chain.run(layers, x);
    }
}
