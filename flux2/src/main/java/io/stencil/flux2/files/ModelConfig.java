package io.stencil.flux2.files;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;
import io.stencil.flux2.text.PromptEncoding;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.json.ConfigJson;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The configuration of one part of a base model, and thereby which part it is.
public sealed interface ModelConfig {

    /// Key of the configurations of a file's parts in its metadata: a JSON object of `config.json`s by [part
    /// folder][PartLayout.Part#folder].
    String METADATA = "flux2_config";

    record Transformer(TransformerConfig config) implements ModelConfig {}

    record Vae(VaeConfig config) implements ModelConfig {}

    record TextEncoder(Qwen3Config config, PromptEncoding prompts) implements ModelConfig {}

    /// The part of a base model that it configures.
    default PartLayout.Part part() {
        return switch (this) {
            case Transformer _ -> PartLayout.Part.TRANSFORMER;
            case Vae _ -> PartLayout.Part.VAE;
            case TextEncoder _ -> PartLayout.Part.TEXT_ENCODER;
        };
    }

    /// Describes part and sizes in a few words.
    default String title() {
        return switch (this) {
            case Transformer(var sizes) ->
                "FLUX.2 transformer: %s double and %s single blocks, %s heads x %s"
                        .formatted(
                                sizes.numLayers(),
                                sizes.numSingleLayers(),
                                sizes.numAttentionHeads(),
                                sizes.attentionHeadDim());
            case Vae(var sizes) ->
                "FLUX.2 VAE: channels %s%s"
                        .formatted(
                                sizes.blockOutChannels(),
                                sizes.decoderBlockOutChannels().equals(sizes.blockOutChannels())
                                        ? ""
                                        : ", of the decoder " + sizes.decoderBlockOutChannels());
            case TextEncoder(var sizes, var _) ->
                "Qwen3 text encoder: %s layers, width %s".formatted(sizes.numHiddenLayers(), sizes.hiddenSize());
        };
    }

    /// Returns the fields of a `config.json` that [#read] reads as this configuration.
    default ObjectNode json() {
        ObjectNode json = Json.MAPPER.createObjectNode();
        switch (this) {
            case Transformer(var sizes) -> {
                json.put("_class_name", "Flux2Transformer2DModel");
                json.put("patch_size", 1);
                json.put("in_channels", sizes.inChannels());
                json.put("num_layers", sizes.numLayers());
                json.put("num_single_layers", sizes.numSingleLayers());
                json.put("attention_head_dim", sizes.attentionHeadDim());
                json.put("num_attention_heads", sizes.numAttentionHeads());
                json.put("joint_attention_dim", sizes.jointAttentionDim());
                json.put("timestep_guidance_channels", sizes.timestepGuidanceChannels());
                json.put("mlp_ratio", sizes.mlpRatio());
                put(json, "axes_dims_rope", sizes.axesDimsRope());
                json.put("rope_theta", sizes.ropeTheta());
                json.put("eps", sizes.eps());
                json.put("guidance_embeds", sizes.guidanceEmbeds());
            }
            case Vae(var sizes) -> {
                json.put("_class_name", "AutoencoderKLFlux2");
                json.put("in_channels", 3);
                json.put("out_channels", 3);
                json.put("latent_channels", sizes.latentChannels());
                put(json, "patch_size", List.of(2, 2));
                put(json, "block_out_channels", sizes.blockOutChannels());
                if (!sizes.decoderBlockOutChannels().equals(sizes.blockOutChannels())) {
                    put(json, "decoder_block_out_channels", sizes.decoderBlockOutChannels());
                }
                json.put("layers_per_block", sizes.layersPerBlock());
                json.put("norm_num_groups", sizes.normNumGroups());
                json.put("mid_block_add_attention", true);
                json.put("batch_norm_eps", sizes.batchNormEps());
            }
            case TextEncoder(var sizes, var prompts) -> {
                json.putArray("architectures").add("Qwen3ForCausalLM");
                json.put("model_type", "qwen3");
                json.put("attention_bias", false);
                json.put("hidden_act", "silu");
                json.put("use_sliding_window", false);
                json.put("hidden_size", sizes.hiddenSize());
                json.put("intermediate_size", sizes.intermediateSize());
                json.put("num_hidden_layers", sizes.numHiddenLayers());
                json.put("num_attention_heads", sizes.numAttentionHeads());
                json.put("num_key_value_heads", sizes.numKeyValueHeads());
                json.put("head_dim", sizes.headDim());
                json.put("vocab_size", sizes.vocabSize());
                json.put("tie_word_embeddings", true);
                json.put("rms_norm_eps", sizes.rmsNormEps());
                json.put("rope_theta", sizes.ropeTheta());
                if (!prompts.equals(PromptEncoding.KLEIN)) {
                    put(json, "text_encoder_out_layers", prompts.hiddenStates());
                    json.put("max_sequence_length", prompts.maxLength());
                }
            }
        }
        return json;
    }

    private static void put(ObjectNode json, String field, List<Integer> numbers) {
        numbers.forEach(json.putArray(field)::add);
    }

    /// Reads `config.json` in Hugging Face's format: `_class_name` or `architectures` says which part it is.
    ///
    /// @throws io.stencil.error.InvalidFileException when the file is broken, names another kind of model, or has a
    ///     value that is not supported
    static ModelConfig read(Path file) {
        return read(ConfigJson.read(file));
    }

    /// Reads the entry of a part in the metadata of weights, where a conversion writes what shapes do not show.
    ///
    /// @param place of the metadata, for messages
    /// @return empty where there is none
    /// @throws io.stencil.error.InvalidFileException as for a `config.json`
    static Optional<ModelConfig> read(Location place, Map<String, String> metadata, PartLayout.Part part) {
        String text = metadata.get(METADATA);
        if (text == null) {
            return Optional.empty();
        }
        JsonNode entry = JsonFile.parse(place.field(METADATA), text).path(part.folder());
        return entry.isMissingNode()
                ? Optional.empty()
                : Optional.of(read(ConfigJson.of(place.field(METADATA), entry)));
    }

    private static ModelConfig read(ConfigJson json) {
        String kind = json.text("_class_name", json.firstText("architectures"));
        return switch (kind) {
            case "Flux2Transformer2DModel" -> new Transformer(TransformerConfig.read(json));
            case "AutoencoderKLFlux2" -> new Vae(VaeConfig.read(json));
            case "Qwen3ForCausalLM", "Qwen3Model" -> new TextEncoder(Qwen3Config.read(json), PromptEncoding.read(json));
            default ->
                throw json.fault(
                        "_class_name",
                        "is '%s'; expected one of %s"
                                .formatted(
                                        kind,
                                        String.join(
                                                ", ",
                                                List.of(
                                                        "Flux2Transformer2DModel",
                                                        "AutoencoderKLFlux2",
                                                        "Qwen3ForCausalLM"))));
        };
    }
}
