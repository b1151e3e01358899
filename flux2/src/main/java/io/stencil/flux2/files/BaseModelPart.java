package io.stencil.flux2.files;

import io.stencil.error.InvalidFileException;
import io.stencil.safetensors.Checkpoint;
import io.stencil.safetensors.KeyHash;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// One part of a base model, recognised and opened.
///
/// @param checkpoint its weights; the caller closes it or hands it to a module
public record BaseModelPart(ModelConfig config, Checkpoint checkpoint) {

    /// Opens weights and finds out what they are: by `config.json` beside them, else by the hash of names and shapes.
    ///
    /// @param paths shards, or one file, or one folder
    /// @throws InvalidFileException when they are broken or not a part of FLUX.2
    public static BaseModelPart recognise(List<Path> paths) {
        Path first = paths.getFirst();
        Checkpoint checkpoint = paths.size() == 1 ? Checkpoint.open(first) : Checkpoint.open(paths);
        try {
            return new BaseModelPart(config(first, checkpoint), checkpoint);
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static ModelConfig config(Path first, Checkpoint checkpoint) {
        Path json = Files.isDirectory(first) ? first.resolve("config.json") : first.resolveSibling("config.json");
        if (Files.exists(json)) {
            return ModelConfig.read(json);
        }
        return KnownCheckpoint.of(checkpoint.entries().values())
                .orElseThrow(() -> new InvalidFileException(
                        first,
                        "has no config.json beside it, and its names and shapes (hash %s) are not those of a known FLUX.2 model"
                                .formatted(KeyHash.of(checkpoint.entries().values()))))
                .config();
    }
}
