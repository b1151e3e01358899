package io.stencil.testing;

import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.TensorFiles;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// One golden file: tensors by name, owned by the scope in which it was read, and the text of its run's arguments.
public record Golden(Map<String, Tensor> tensors, String json) {

    /// Reads a file of `testdata/golden`.
    public static Golden read(String name) {
        String json;
        try (SafetensorsFile file = SafetensorsFile.open(TestFiles.golden(name))) {
            json = file.metadata().getOrDefault("json", "{}");
        }
        return new Golden(TensorFiles.read(TestFiles.golden(name)), json);
    }

    public Tensor tensor(String name) {
        return Objects.requireNonNull(tensors.get(name), () -> "the golden has no tensor " + name);
    }
}
