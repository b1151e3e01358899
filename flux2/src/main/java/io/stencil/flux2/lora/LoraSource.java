package io.stencil.flux2.lora;

import io.stencil.error.InvalidFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The files of a LoRA: one safetensors file, and for PEFT's `adapter_model.safetensors` the `adapter_config.json` that
/// holds its scale.
///
/// @param config null where the weights hold all there is
record LoraSource(Path weights, @Nullable Path config) {

    private static final String PEFT_WEIGHTS = "adapter_model.safetensors";
    private static final String PEFT_CONFIG = "adapter_config.json";

    /// @param path a file, or a PEFT folder
    /// @throws InvalidFileException when a file of a PEFT adapter is absent
    static LoraSource at(Path path) {
        boolean folder = Files.isDirectory(path);
        Path weights = folder ? path.resolve(PEFT_WEIGHTS) : path;
        if (!weights.endsWith(PEFT_WEIGHTS)) {
            return new LoraSource(weights, null);
        }
        if (folder && !Files.isRegularFile(weights)) {
            String pickled = Files.exists(path.resolve("adapter_model.bin"))
                    ? "; its adapter_model.bin is a pickle, which is not read"
                    : "";
            throw new InvalidFileException(
                    path,
                    "holds no %s; name a safetensors file, or a directory that PEFT wrote%s"
                            .formatted(PEFT_WEIGHTS, pickled));
        }
        Path config = weights.resolveSibling(PEFT_CONFIG);
        if (Files.isRegularFile(weights) && !Files.isRegularFile(config)) {
            throw new InvalidFileException(
                    weights,
                    "has no %s beside it, which holds the scale of a PEFT adapter (lora_alpha / r); put it there, or name the whole directory"
                            .formatted(PEFT_CONFIG));
        }
        return new LoraSource(weights, config);
    }

    LoraScaling scaling(Map<String, String> metadata) {
        return config == null ? LoraScaling.ofMetadata(weights, metadata) : LoraScaling.ofConfig(config);
    }
}
