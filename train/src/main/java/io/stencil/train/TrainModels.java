package io.stencil.train;

import io.stencil.json.ConfigJson;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.TemplateFolder;
import io.stencil.tensor.ProcessRandom;
import io.stencil.train.options.ModelOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Holds the models of a run: the base model, and the Template that steers it, or null.
record TrainModels(Flux2Pipeline pipeline, @Nullable LoadedTemplate<?, ?> template) implements AutoCloseable {

    private static final String INDEX = "model_index.json";

    /// Loads the models that options name. The caller closes the result.
    ///
    /// @throws io.stencil.error.StencilException when one of them cannot be loaded
    static TrainModels load(ModelOptions options) {
        Flux2Pipeline pipeline = Flux2Pipeline.load(options.base(), options.load());
        try {
            Path folder = options.template();
            return new TrainModels(
                    pipeline,
                    folder == null
                            ? null
                            : ProcessRandom.seeded(
                                    0, () -> new TemplateFolder(folder, options.trustedCode()).load(pipeline)));
        } catch (RuntimeException | Error e) {
            pipeline.close();
            throw e;
        }
    }

    @Override
    public void close() {
        try (pipeline) {
            if (template != null) {
                template.close();
            }
        }
    }

    /// Warns of a distilled base model: training on it makes images grey and blurred.
    static Optional<String> distillationWarning(ModelFiles files) {
        for (List<Path> part : files.parts()) {
            Path index = indexAbove(part.getFirst());
            if (index != null && ConfigJson.read(index).flag("is_distilled", false)) {
                return Optional.of(
                        "%s says that the base model is distilled; train on the base version, or images turn grey and blurred"
                                .formatted(index));
            }
        }
        return Optional.empty();
    }

    /// Finds the index in the repository's root: in the folder of a part, above it, or beside the part's folder.
    private static @Nullable Path indexAbove(Path part) {
        Path folder = part.toAbsolutePath().normalize();
        for (int level = 0; level < 3 && folder != null; level++) {
            if (Files.isRegularFile(folder.resolve(INDEX))) {
                return folder.resolve(INDEX);
            }
            folder = folder.getParent();
        }
        return null;
    }
}
