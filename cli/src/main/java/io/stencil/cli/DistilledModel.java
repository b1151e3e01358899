package io.stencil.cli;

import io.stencil.json.ConfigJson;
import io.stencil.pipeline.ModelFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Whether a base model was distilled to few steps, which its `model_index.json` tells: training on it gives grey or
/// blurred pictures.
final class DistilledModel {

    /// A file in a part's folder in the model's folder.
    private static final int LEVELS = 3;

    private DistilledModel() {}

    /// The index that says so, if there is one in a part's folder or the folder above.
    static Optional<Path> index(ModelFiles files) {
        for (List<Path> part : files.parts()) {
            Path folder = part.getFirst().toAbsolutePath();
            for (int level = 0; level < LEVELS && folder != null; level++) {
                Path index = folder.resolve("model_index.json");
                if (Files.isRegularFile(index) && ConfigJson.read(index).flag("is_distilled", false)) {
                    return Optional.of(index);
                }
                folder = folder.getParent();
            }
        }
        return Optional.empty();
    }
}
