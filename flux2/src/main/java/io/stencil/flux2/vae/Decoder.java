package io.stencil.flux2.vae;

import io.stencil.flux2.vae.VaeBlocks.MidBlock;
import io.stencil.flux2.vae.VaeBlocks.ResnetBlock;
import io.stencil.flux2.vae.VaeBlocks.Upsample;
import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Latents to pixels.
final class Decoder extends Module {

    private final List<UnaryOperator<Tensor>> layers = new ArrayList<>();

    Decoder(VaeConfig config) {
        List<Integer> levels = config.decoderBlockOutChannels().reversed();
        int groups = config.normNumGroups();
        int channels = levels.getFirst();
        layers.add(module("conv_in", new Conv2d(config.latentChannels(), channels, 3))::forward);
        layers.add(module("mid_block", new MidBlock(channels, groups))::forward);
        for (int i = 0; i < levels.size(); i++) {
            for (int j = 0; j <= config.layersPerBlock(); j++) {
                String name = "up_blocks.%s.resnets.%s".formatted(i, j);
                layers.add(module(name, new ResnetBlock(channels, levels.get(i), groups))::forward);
                channels = levels.get(i);
            }
            if (i < levels.size() - 1) {
                String name = "up_blocks.%s.upsamplers.0".formatted(i);
                layers.add(module(name, new Upsample(channels))::forward);
            }
        }
        layers.add(module("conv_norm_out", new GroupNorm(groups, channels, VaeConfig.GROUP_NORM_EPS))::forward);
        layers.add(Ops::siluInPlace);
        layers.add(module("conv_out", new Conv2d(channels, 3, 3))::forward);
    }

    /// @param latents `[B, latent channels, H/8, W/8]`
    /// @return `[B, 3, H, W]`
    Tensor forward(Tensor latents) {
        return VaeBlocks.chain(layers, latents);
    }
}
