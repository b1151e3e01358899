package io.stencil.flux2.text;

import io.stencil.error.InvalidRequestException;
import io.stencil.json.ConfigJson;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Sizes of a Qwen3 text encoder, named as in its `config.json`.
///
/// @param numKeyValueHeads heads of k and v; each serves an equal share of the query heads
/// @param rmsNormEps of every normalisation, those of q and k too
/// @param ropeTheta base of the rotary frequencies
public record Qwen3Config(
        int hiddenSize,
        int intermediateSize,
        int numHiddenLayers,
        int numAttentionHeads,
        int numKeyValueHeads,
        int headDim,
        int vocabSize,
        double rmsNormEps,
        double ropeTheta) {

    private static final double RMS_NORM_EPS = 1e-6;

    /// @throws InvalidRequestException when a size is not positive or two do not fit together
    public Qwen3Config {
        requirePositive("hidden_size", hiddenSize);
        requirePositive("intermediate_size", intermediateSize);
        requirePositive("num_hidden_layers", numHiddenLayers);
        requirePositive("num_attention_heads", numAttentionHeads);
        requirePositive("num_key_value_heads", numKeyValueHeads);
        requirePositive("head_dim", headDim);
        requirePositive("vocab_size", vocabSize);
        requirePositive("rms_norm_eps", rmsNormEps);
        requirePositive("rope_theta", ropeTheta);
        if (numAttentionHeads % numKeyValueHeads != 0) {
            throw new InvalidRequestException(
                    "Qwen3Config",
                    "num_attention_heads %s is not a multiple of num_key_value_heads %s"
                            .formatted(numAttentionHeads, numKeyValueHeads));
        }
        if (headDim % 2 != 0) {
            throw new InvalidRequestException(
                    "Qwen3Config", "head_dim %s is odd; rotary positions turn pairs".formatted(headDim));
        }
    }

    /// The text encoder of FLUX.2-klein-4B.
    public static Qwen3Config size4B() {
        return new Qwen3Config(2560, 9728, 36, 32, 8, 128, 151936, RMS_NORM_EPS, 1e6);
    }

    /// The same with another number of layers.
    public Qwen3Config withLayers(int layers) {
        return new Qwen3Config(
                hiddenSize,
                intermediateSize,
                layers,
                numAttentionHeads,
                numKeyValueHeads,
                headDim,
                vocabSize,
                rmsNormEps,
                ropeTheta);
    }

    /// The text encoder of FLUX.2-klein-9B.
    public static Qwen3Config size8B() {
        return new Qwen3Config(4096, 12288, 36, 32, 8, 128, 151936, RMS_NORM_EPS, 1e6);
    }

    /// Reads a `config.json` in the layout of Hugging Face.
    ///
    /// @throws io.stencil.error.InvalidFileException when a field is missing, of the wrong kind, or has a value
    ///     that is not supported
    public static Qwen3Config read(Path configJson) {
        return read(ConfigJson.read(configJson));
    }

    /// @throws io.stencil.error.InvalidFileException when a field is missing, of the wrong kind, or has a value that is
    /// not supported
    public static Qwen3Config read(ConfigJson json) {
        json.require("model_type", "qwen3");
        json.require("attention_bias", false);
        json.require("hidden_act", "silu");
        json.require("use_sliding_window", false);
        if (json.has("rope_scaling")) {
            throw json.fault("rope_scaling", "is set, and only positions without scaling are supported");
        }
        String ropeType = json.textAt("rope_parameters", "rope_type");
        if (ropeType != null && !ropeType.equals("default")) {
            throw json.fault("rope_parameters.rope_type", "is '%s', and only default is supported".formatted(ropeType));
        }
        try {
            return new Qwen3Config(
                    json.integer("hidden_size"),
                    json.integer("intermediate_size"),
                    json.integer("num_hidden_layers"),
                    json.integer("num_attention_heads"),
                    json.integer("num_key_value_heads"),
                    json.integer("head_dim"),
                    json.integer("vocab_size"),
                    json.number("rms_norm_eps", RMS_NORM_EPS),
                    ropeTheta(json));
        } catch (InvalidRequestException e) {
            throw json.fault(e.what(), e);
        }
    }

    /// The base stands at the top level, or in `rope_parameters` where a newer tool wrote the file.
    private static double ropeTheta(ConfigJson json) {
        @Nullable Double top = json.numberAt("rope_theta");
        @Nullable Double nested = json.numberAt("rope_parameters", "rope_theta");
        @Nullable Double theta = top != null ? top : nested;
        if (theta == null) {
            throw json.fault("rope_theta", "is missing; expected a number, here or in rope_parameters");
        }
        if (nested != null && !theta.equals(nested)) {
            throw json.fault("rope_theta", "is %s, but rope_parameters.rope_theta is %s".formatted(theta, nested));
        }
        return theta;
    }

    private static void requirePositive(String field, double value) {
        if (!(value > 0)) {
            throw new InvalidRequestException("Qwen3Config", "%s must be positive, found %s".formatted(field, value));
        }
    }
}
