package io.stencil.flux2.vae;

import io.stencil.error.InvalidRequestException;
import io.stencil.json.ConfigJson;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/// Sizes of an [AutoencoderKlFlux2].
///
/// @param blockOutChannels channels of the encoder's four levels, full resolution first; multiples of `normNumGroups`
/// @param decoderBlockOutChannels the same of the decoder
/// @param layersPerBlock residual blocks of a level in the encoder; the decoder has one more
/// @param latentChannels channels before 2 x 2 neighbours are folded into them
/// @param normNumGroups groups of every group normalisation
/// @param batchNormEps added to the variance of the latents
public record VaeConfig(
        List<Integer> blockOutChannels,
        List<Integer> decoderBlockOutChannels,
        int layersPerBlock,
        int latentChannels,
        int normNumGroups,
        double batchNormEps) {

    /// Added to the variance by every group normalisation.
    static final double GROUP_NORM_EPS = 1e-6;

    private static final int LEVELS = 4;
    private static final List<Integer> PATCH_SIZE = List.of(2, 2);

    /// @throws InvalidRequestException when the sizes do not fit together
    public VaeConfig {
        blockOutChannels = List.copyOf(blockOutChannels);
        decoderBlockOutChannels = List.copyOf(decoderBlockOutChannels);
        if (layersPerBlock < 1 || latentChannels < 1 || normNumGroups < 1) {
            throw new InvalidRequestException(
                    "VaeConfig",
                    "layers_per_block, latent_channels and norm_num_groups must be at least 1, found %s, %s and %s"
                            .formatted(layersPerBlock, latentChannels, normNumGroups));
        }
        requireLevels("block_out_channels", blockOutChannels, normNumGroups);
        requireLevels("decoder_block_out_channels", decoderBlockOutChannels, normNumGroups);
        if (!(batchNormEps >= 0)) {
            throw new InvalidRequestException(
                    "VaeConfig", "batch_norm_eps must not be negative, found " + batchNormEps);
        }
    }

    /// A VAE whose decoder is as wide as its encoder.
    public VaeConfig(
            List<Integer> blockOutChannels,
            int layersPerBlock,
            int latentChannels,
            int normNumGroups,
            double batchNormEps) {
        this(blockOutChannels, blockOutChannels, layersPerBlock, latentChannels, normNumGroups, batchNormEps);
    }

    private static void requireLevels(String field, List<Integer> levels, int groups) {
        if (levels.size() != LEVELS) {
            throw new InvalidRequestException(
                    "VaeConfig", "%s must name %s levels, found %s".formatted(field, LEVELS, levels));
        }
        if (levels.stream().anyMatch(channels -> channels < 1 || channels % groups != 0)) {
            throw new InvalidRequestException(
                    "VaeConfig",
                    "%s must be multiples of norm_num_groups %s, found %s".formatted(field, groups, levels));
        }
    }

    /// The published VAE, the same for all FLUX.2 models.
    public static VaeConfig flux2() {
        return new VaeConfig(List.of(128, 256, 512, 512), 2, 32, 32, 1e-4);
    }

    /// Reads a `config.json`. A field that is absent has the value of [#flux2].
    ///
    /// @throws io.stencil.error.InvalidFileException when a field is of another kind or has a value that is not
    /// supported
    public static VaeConfig read(Path configJson) {
        return read(ConfigJson.read(configJson));
    }

    /// @throws io.stencil.error.InvalidFileException when a field is of another kind or has a value that is not
    /// supported
    public static VaeConfig read(ConfigJson config) {
        List<Integer> channels = config.integers("block_out_channels", List.of(128, 256, 512, 512));
        requireSupported(config, channels);
        try {
            return new VaeConfig(
                    channels,
                    config.integers("decoder_block_out_channels", channels),
                    config.integer("layers_per_block", 2),
                    config.integer("latent_channels", 32),
                    config.integer("norm_num_groups", 32),
                    config.number("batch_norm_eps", 1e-4));
        } catch (InvalidRequestException e) {
            throw config.fault("describes no VAE: " + e.what(), e);
        }
    }

    private static void requireSupported(ConfigJson config, List<Integer> channels) {
        config.require("_class_name", "AutoencoderKLFlux2");
        config.require("in_channels", 3);
        config.require("out_channels", 3);
        config.require("act_fn", "silu");
        config.require("use_quant_conv", true);
        config.require("use_post_quant_conv", true);
        config.require("mid_block_add_attention", true);
        config.require("patch_size", PATCH_SIZE);
        config.require("down_block_types", Collections.nCopies(channels.size(), "DownEncoderBlock2D"));
        config.require("up_block_types", Collections.nCopies(channels.size(), "UpDecoderBlock2D"));
    }

    /// Channels of the latents that the transformer sees.
    public int foldedChannels() {
        return latentChannels * PATCH_SIZE.get(0) * PATCH_SIZE.get(1);
    }
}
