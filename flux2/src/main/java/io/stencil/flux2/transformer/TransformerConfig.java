package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.json.ConfigJson;
import java.nio.file.Path;
import java.util.List;

/// Sizes of a FLUX.2 transformer, as its `config.json` names them.
///
/// @param inChannels of a latent token, before and after the transformer
/// @param numLayers double-stream blocks
/// @param numSingleLayers single-stream blocks
/// @param jointAttentionDim of a text token
/// @param timestepGuidanceChannels of the sinusoid that a timestep becomes
/// @param mlpRatio hidden size of the MLPs over D
/// @param axesDimsRope how many of a head's channels rotate with each of the four columns of the token ids
/// @param eps of all normalisations
/// @param guidanceEmbeds whether the model takes the guidance as an input
public record TransformerConfig(
        int inChannels,
        int numLayers,
        int numSingleLayers,
        int attentionHeadDim,
        int numAttentionHeads,
        int jointAttentionDim,
        int timestepGuidanceChannels,
        double mlpRatio,
        List<Integer> axesDimsRope,
        double ropeTheta,
        double eps,
        boolean guidanceEmbeds) {

    /// @throws InvalidRequestException for sizes that make no transformer
    public TransformerConfig {
        axesDimsRope = List.copyOf(axesDimsRope);
        requirePositive("in_channels", inChannels);
        requirePositive("num_attention_heads", numAttentionHeads);
        requirePositive("attention_head_dim", attentionHeadDim);
        requirePositive("joint_attention_dim", jointAttentionDim);
        requirePositive("mlp_ratio", mlpRatio);
        requirePositive("rope_theta", ropeTheta);
        requirePositive("eps", eps);
        require(numLayers >= 0, "num_layers is negative: " + numLayers);
        require(numSingleLayers >= 0, "num_single_layers is negative: " + numSingleLayers);
        require(
                timestepGuidanceChannels > 0 && timestepGuidanceChannels % 2 == 0,
                "timestep_guidance_channels must be even and above 0, found " + timestepGuidanceChannels);
        require(
                axesDimsRope.size() == TokenIds.COLUMNS
                        && axesDimsRope.stream().allMatch(axis -> axis > 0 && axis % 2 == 0),
                "axes_dims_rope must be four even numbers above 0, found " + axesDimsRope);
        int sum = axesDimsRope.stream().mapToInt(Integer::intValue).sum();
        require(
                sum == attentionHeadDim,
                "axes_dims_rope %s sums to %s, but attention_head_dim is %s"
                        .formatted(axesDimsRope, sum, attentionHeadDim));
    }

    /// FLUX.2-klein-4B and FLUX.2-klein-base-4B.
    public static TransformerConfig klein4b() {
        return published(5, 20, 24, 7680, false);
    }

    /// FLUX.2-klein-9B and FLUX.2-klein-base-9B.
    public static TransformerConfig klein9b() {
        return published(8, 24, 32, 12288, false);
    }

    /// FLUX.2-dev.
    public static TransformerConfig dev() {
        return published(8, 48, 48, 15360, true);
    }

    private static TransformerConfig published(
            int numLayers, int numSingleLayers, int heads, int jointAttentionDim, boolean guidanceEmbeds) {
        return new TransformerConfig(
                128,
                numLayers,
                numSingleLayers,
                128,
                heads,
                jointAttentionDim,
                256,
                3.0,
                List.of(32, 32, 32, 32),
                2000,
                1e-6,
                guidanceEmbeds);
    }

    /// Reads a `config.json`. The numbers of blocks, heads and channels must be there; other absent fields take the
    /// values of FLUX.2-dev.
    ///
    /// @throws io.stencil.error.InvalidFileException for a missing or unsupported value
    public static TransformerConfig read(Path configJson) {
        return read(ConfigJson.read(configJson));
    }

    /// @throws io.stencil.error.InvalidFileException for a missing or unsupported value
    public static TransformerConfig read(ConfigJson json) {
        json.require("_class_name", "Flux2Transformer2DModel");
        json.require("patch_size", 1);
        int inChannels = json.integer("in_channels");
        json.require("out_channels", inChannels);
        try {
            return new TransformerConfig(
                    inChannels,
                    json.integer("num_layers"),
                    json.integer("num_single_layers"),
                    json.integer("attention_head_dim"),
                    json.integer("num_attention_heads"),
                    json.integer("joint_attention_dim"),
                    json.integer("timestep_guidance_channels", 256),
                    json.number("mlp_ratio", 3.0),
                    json.integers("axes_dims_rope", List.of(32, 32, 32, 32)),
                    json.number("rope_theta", 2000),
                    json.number("eps", 1e-6),
                    json.flag("guidance_embeds", true));
        } catch (InvalidRequestException e) {
            throw json.fault(e.what(), e);
        }
    }

    /// The same with other numbers of input channels and of blocks.
    public TransformerConfig with(int channels, int doubleBlocks, int singleBlocks) {
        return new TransformerConfig(
                channels,
                doubleBlocks,
                singleBlocks,
                attentionHeadDim,
                numAttentionHeads,
                jointAttentionDim,
                timestepGuidanceChannels,
                mlpRatio,
                axesDimsRope,
                ropeTheta,
                eps,
                guidanceEmbeds);
    }

    /// D, the width of the hidden streams.
    public int dim() {
        return numAttentionHeads * attentionHeadDim;
    }

    /// Hidden size of the MLPs.
    public int mlpDim() {
        return (int) (dim() * mlpRatio);
    }

    private static void requirePositive(String field, double value) {
        require(value > 0, field + " must be above 0, found " + value);
    }

    private static void require(boolean condition, String fault) {
        if (!condition) {
            throw new InvalidRequestException("TransformerConfig", fault);
        }
    }
}
