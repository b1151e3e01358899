package io.stencil.flux2.files;

import io.stencil.flux2.text.PromptEncoding;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.vae.VaeConfig;
import io.stencil.json.ConfigJson;
import java.nio.file.Path;
import java.util.List;

/// The configuration of one part of a base model, and thereby which part it is.
public sealed interface ModelConfig {

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

    /// Reads `config.json` in Hugging Face's format: `_class_name` or `architectures` says which part it is.
    ///
    /// @throws io.stencil.error.InvalidFileException when the file is broken, names another kind of model, or has a
    ///     value that is not supported
    static ModelConfig read(Path file) {
        ConfigJson json = ConfigJson.read(file);
        String kind = json.text("_class_name", json.firstText("architectures"));
        return switch (kind) {
            case "Flux2Transformer2DModel" -> new Transformer(TransformerConfig.read(file));
            case "AutoencoderKLFlux2" -> new Vae(VaeConfig.read(file));
            case "Qwen3ForCausalLM", "Qwen3Model" -> new TextEncoder(Qwen3Config.read(file), PromptEncoding.read(file));
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
