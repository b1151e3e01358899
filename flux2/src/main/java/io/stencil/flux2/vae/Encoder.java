package io.stencil.flux2.vae;

import io.stencil.flux2.vae.VaeBlocks.Downsample;
import io.stencil.flux2.vae.VaeBlocks.MidBlock;
import io.stencil.flux2.vae.VaeBlocks.ResnetBlock;
import io.stencil.nn.Conv2d;
import io.stencil.nn.GroupNorm;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Pixels to mean and log-variance of the latents.
final class Encoder extends Module {

    private final List<UnaryOperator<Tensor>> layers = new ArrayList<>();

    Encoder(VaeConfig config) {
        List<Integer> levels = config.blockOutChannels();
        int groups = config.normNumGroups();
        int channels = levels.getFirst();
        layers.add(module("conv_in", new Conv2d(3, channels, 3))::forward);
        for (int i = 0; i < levels.size(); i++) {
            for (int j = 0; j < config.layersPerBlock(); j++) {
                String name = "down_blocks.%s.resnets.%s".formatted(i, j);
                layers.add(module(name, new ResnetBlock(channels, levels.get(i), groups))::forward);
                channels = levels.get(i);
            }
            if (i < levels.size() - 1) {
                String name = "down_blocks.%s.downsamplers.0".formatted(i);
                layers.add(module(name, new Downsample(channels))::forward);
            }
        }
        layers.add(module("mid_block", new MidBlock(channels, groups))::forward);
        layers.add(module("conv_norm_out", new GroupNorm(groups, channels, VaeConfig.GROUP_NORM_EPS))::forward);
        layers.add(Ops::siluInPlace);
        layers.add(module("conv_out", new Conv2d(channels, 2L * config.latentChannels(), 3))::forward);
    }

    /// @param pixels `[B, 3, H, W]`
    /// @return `[B, 2 * latent channels, H/8, W/8]`
    Tensor forward(Tensor pixels) {
        return VaeBlocks.chain(layers, pixels);
    }
}
