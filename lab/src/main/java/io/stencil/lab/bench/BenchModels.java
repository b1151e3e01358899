package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.nn.Module;
import io.stencil.nn.WeightLoader;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.TorchGenerator;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Where the models that are measured come from: files, or random numbers where no files are named.
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
            return opened(new Flux2Transformer(config), part, Set.of());
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
            return opened(new AutoencoderKlFlux2(config), part, Set.of());
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
            return opened(new Qwen3Encoder(config), part, Qwen3Encoder.IGNORED_TENSORS);
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

    /// As a pipeline opens them: each weight is read when it is first used.
    private <M extends Module> M opened(M model, BaseModelPart part, Set<String> ignored) {
        ModelRole role = ModelRole.of(part.config());
        try {
            new WeightLoader(load.dtype(), load.device(), load.float8().contains(role))
                    .open(model, part.checkpoint(), ignored, load.offload().contains(role));
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private <M extends Module> M random(M model) {
        try (TorchGenerator generator = new TorchGenerator(0)) {
            model.initialize(load.dtype(), load.device(), generator);
            return model;
        }
    }
}
