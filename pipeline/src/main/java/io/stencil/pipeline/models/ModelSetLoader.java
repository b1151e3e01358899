package io.stencil.pipeline.models;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.PromptEncoding;
import io.stencil.flux2.text.PromptTokenizer;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.Module;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Recognises the parts of a base model and opens each once.
final class ModelSetLoader implements AutoCloseable {

    private final LoadOptions options;
    private @Nullable Qwen3Encoder textModel;
    private PromptEncoding prompts = PromptEncoding.KLEIN;
    private @Nullable AutoencoderKlFlux2 vae;
    private @Nullable Flux2Transformer transformer;
    private ModelKind kind = ModelKind.OTHER;
    private final DType compute;

    private ModelSetLoader(LoadOptions options) {
        this.options = options;
        this.compute = options.compute(); // first: fails before any file is opened
    }

    static ModelSet load(ModelFiles files, LoadOptions options) {
        try (ModelSetLoader loader = new ModelSetLoader(options)) {
            files.parts().forEach(loader::add);
            loader.requireNarrowed();
            return loader.finish(files.tokenizer());
        }
    }

    private void add(List<Path> paths) {
        List<BaseModelPart> parts = new ArrayList<>(BaseModelPart.recognise(paths));
        try {
            while (!parts.isEmpty()) {
                add(paths, parts.removeFirst());
            }
        } finally {
            parts.forEach(part -> part.weights().close());
        }
    }

    private void add(List<Path> paths, BaseModelPart part) {
        switch (part.config()) {
            case ModelConfig.Transformer found -> {
                requireFirst(transformer, paths, "transformer");
                kind = ModelKind.of(paths);
                transformer = options.open(new Flux2Transformer(found.config()), part);
            }
            case ModelConfig.Vae found -> {
                requireFirst(vae, paths, "VAE");
                vae = options.open(new AutoencoderKlFlux2(found.config()), part);
            }
            case ModelConfig.TextEncoder found -> {
                requireFirst(textModel, paths, "text encoder");
                prompts = found.prompts();
                textModel = options.open(new Qwen3Encoder(found.config()), part);
            }
        }
    }

    private void requireNarrowed() {
        for (ModelRole role : options.float8()) {
            Module model = switch (role) {
                case TEXT_ENCODER -> textModel;
                case VAE -> vae;
                case TRANSFORMER -> transformer;
            };
            if (model == null) {
                throw new InvalidRequestException(
                        "fp8_models", "names '%s', of which there are no files".formatted(role.label()));
            }
        }
    }

    private static void requireFirst(@Nullable Module earlier, List<Path> paths, String what) {
        if (earlier != null) {
            throw new InvalidFileException(paths.getFirst(), "is a second %s; name one".formatted(what));
        }
    }

    private ModelSet finish(@Nullable Path tokenizer) {
        TextEncoder textEncoder = null;
        if (textModel != null) {
            textEncoder = textEncoder(tokenizer(tokenizer, textModel.config()), textModel);
        }
        ModelSet set = new ModelSet(new ModelSet.Parts(textEncoder, vae, transformer), kind, compute, options);
        textModel = null;
        vae = null;
        transformer = null;
        return set;
    }

    /// Opens the named tokenizer, else that of Qwen3, which fits text encoders with Qwen3's vocabulary.
    private static PromptTokenizer tokenizer(@Nullable Path named, Qwen3Config config) {
        if (named != null) {
            return PromptTokenizer.open(named);
        }
        int expected = Qwen3Config.size4B().vocabSize();
        if (config.vocabSize() != expected) {
            throw new InvalidRequestException(
                    "tokenizer_path",
                    "is needed: the text encoder has %s tokens, and Qwen3's tokenizer, the default, is for %s"
                            .formatted(config.vocabSize(), expected));
        }
        return PromptTokenizer.qwen3();
    }

    private TextEncoder textEncoder(PromptTokenizer tokenizer, Qwen3Encoder model) {
        try {
            return new TextEncoder(tokenizer, model, prompts, compute);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    /// Frees what a failed load left.
    @Override
    public void close() {
        for (Module model : new @Nullable Module[] {textModel, vae, transformer}) {
            if (model != null) {
                model.close();
            }
        }
    }
}
