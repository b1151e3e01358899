package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.Module;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.TorchGenerator;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Sources of the models that are measured: files, or random weights where no files are named.
///
/// @param files of a base model, or null
/// @param size of random models, and of what goes through any
/// @param load dtype of the weights and device
/// @param trained dtype of the Template's weights
public record BenchModels(@Nullable ModelFiles files, BenchSize size, LoadOptions load, DType trained) {

    /// @return frozen, and the caller's
    Flux2Transformer transformer() {
        if (files == null) {
            return random(new Flux2Transformer(size.transformer()));
        }
        BaseModelPart part = part(files, ModelRole.TRANSFORMER);
        if (part.config() instanceof ModelConfig.Transformer(var config)) {
            return load.open(new Flux2Transformer(config), part);
        }
        throw new IllegalStateException("a part of another kind: " + part.config());
    }

    /// @return frozen, and the caller's
    AutoencoderKlFlux2 vae() {
        if (files == null) {
            return random(new AutoencoderKlFlux2(size.vae()));
        }
        BaseModelPart part = part(files, ModelRole.VAE);
        if (part.config() instanceof ModelConfig.Vae(var config)) {
            return load.open(new AutoencoderKlFlux2(config), part);
        }
        throw new IllegalStateException("a part of another kind: " + part.config());
    }

    /// @return frozen, and the caller's
    Qwen3Encoder text() {
        if (files == null) {
            return random(new Qwen3Encoder(size.text()));
        }
        BaseModelPart part = part(files, ModelRole.TEXT_ENCODER);
        if (part.config() instanceof ModelConfig.TextEncoder(var config, var _)) {
            return load.open(new Qwen3Encoder(config), part);
        }
        throw new IllegalStateException("a part of another kind: " + part.config());
    }

    private static BaseModelPart part(ModelFiles files, ModelRole role) {
        for (List<Path> paths : files.parts()) {
            BaseModelPart part = BaseModelPart.recognise(paths);
            if (ModelRole.of(part.config()) == role) {
                return part;
            }
            part.checkpoint().close();
        }
        throw new InvalidRequestException(
                "model_paths", "names no %s; leave out the works that need it (--works)".formatted(role.label()));
    }

    private <M extends Module> M random(M model) {
        try (TorchGenerator generator = new TorchGenerator(0)) {
            model.initialize(load.dtype(), load.device(), generator);
            return model;
        }
    }
}
