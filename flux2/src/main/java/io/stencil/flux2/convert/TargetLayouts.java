package io.stencil.flux2.convert;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.convert.ModelTarget.Dialect;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.files.PartLayout;
import io.stencil.flux2.files.PartLayout.Naming;
import io.stencil.flux2.files.PartLayout.Part;
import java.util.List;
import java.util.Locale;

/// Names that the parts of a base model get in a file.
///
/// @param several whether the file holds more than one part, each behind its prefix
record TargetLayouts(ModelTarget target, boolean gguf, boolean several) {

    private static final String OPTION = "to";

    /// Hidden size of Qwen3-8B, of whose encoder ComfyUI expects another prefix.
    private static final int WIDTH_8B = 4096;

    /// @throws InvalidRequestException when the part cannot have such names
    PartLayout of(BaseModelPart source) {
        Part part = source.config().part();
        if (gguf) {
            return blocks(part);
        }
        Dialect dialect = target.dialect();
        if (dialect == null) {
            return kept(source);
        }
        return switch (dialect) {
            case DIFFUSERS -> diffusers(part);
            case BFL ->
                switch (part) {
                    case TRANSFORMER -> new PartLayout(Naming.BFL_TRANSFORMER, "");
                    case VAE -> new PartLayout(Naming.BFL_VAE, "");
                    case TEXT_ENCODER ->
                        throw new InvalidRequestException(
                                OPTION,
                                "BFL has no names for the text encoder: its repositories hold Hugging Face's; use diffusers");
                };
            case COMFYUI -> comfyUi(source.config());
            case KOHYA, PEFT ->
                throw new InvalidRequestException(
                        OPTION,
                        "'%s' is for LoRAs; of a %s use diffusers, bfl or comfyui"
                                .formatted(dialect.name().toLowerCase(Locale.ROOT), part.title()));
        };
    }

    /// Readers of GGUF know these names alone.
    private PartLayout blocks(Part part) {
        if (target.dialect() == Dialect.DIFFUSERS) {
            throw new InvalidRequestException(
                    OPTION, "a GGUF file has BFL's or llama.cpp's names, by which it is read; leave --to out");
        }
        return switch (part) {
            case TRANSFORMER -> new PartLayout(Naming.BFL_TRANSFORMER, "");
            case TEXT_ENCODER -> new PartLayout(Naming.LLAMA_CPP_TEXT, "");
            case VAE ->
                throw new InvalidRequestException(
                        "OUT",
                        "a VAE is not written as GGUF: its convolutions are not quantized; name a .safetensors file");
        };
    }

    private PartLayout kept(BaseModelPart source) {
        PartLayout layout = source.layout();
        if (layout == null) {
            throw new InvalidRequestException(OPTION, "the names of the source are not known; name those to write");
        }
        return switch (layout.naming()) {
            case LLAMA_CPP_TEXT -> diffusers(Part.TEXT_ENCODER);
            case DIFFUSERS_TRANSFORMER, DIFFUSERS_VAE, TRANSFORMERS_TEXT, BFL_TRANSFORMER, BFL_VAE -> layout;
        };
    }

    private static PartLayout diffusers(Part part) {
        return switch (part) {
            case TRANSFORMER -> new PartLayout(Naming.DIFFUSERS_TRANSFORMER, "");
            case VAE -> new PartLayout(Naming.DIFFUSERS_VAE, "");
            case TEXT_ENCODER -> new PartLayout(Naming.TRANSFORMERS_TEXT, "model.");
        };
    }

    private PartLayout comfyUi(ModelConfig config) {
        return switch (config) {
            case ModelConfig.Transformer _ ->
                new PartLayout(Naming.BFL_TRANSFORMER, several ? "model.diffusion_model." : "");
            case ModelConfig.Vae _ -> new PartLayout(Naming.DIFFUSERS_VAE, several ? "vae." : "");
            case ModelConfig.TextEncoder text ->
                new PartLayout(
                        Naming.TRANSFORMERS_TEXT,
                        several
                                ? "text_encoders.qwen3_%s.transformer.model."
                                        .formatted(text.config().hiddenSize() == WIDTH_8B ? "8b" : "4b")
                                : "model.");
        };
    }

    /// Refuses a file of several parts in names that do not tell them apart.
    void requireFile(List<BaseModelPart> parts) {
        if (parts.size() < 2) {
            return;
        }
        if (gguf) {
            throw new InvalidRequestException(
                    "OUT",
                    "a GGUF file holds one part, and there are %s; choose one with --part".formatted(parts.size()));
        }
        boolean prefixed = parts.stream()
                .allMatch(
                        part -> part.layout() != null && !part.layout().prefix().isEmpty());
        if (target.dialect() != Dialect.COMFYUI && (target.dialect() != null || !prefixed)) {
            throw new InvalidRequestException(
                    OPTION,
                    "%s parts fit into one file in ComfyUI's names alone: use --to comfyui, or --part, or --to diffusers with a folder for OUT"
                            .formatted(parts.size()));
        }
    }
}
