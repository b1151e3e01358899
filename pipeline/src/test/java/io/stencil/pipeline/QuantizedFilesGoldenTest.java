package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.Golden;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The tiny model in float8 with scales and in GGUF, against the reference's latents with the same weights.
class QuantizedFilesGoldenTest {

    private static final double TOLERANCE = 2e-4;
    private static final LoadOptions OPTIONS = new LoadOptions(DType.FLOAT32, Device.CPU);
    private static final String SCALE = ".weight_scale";

    @TempDir
    private Path folder;

    private static Path golden(String name) {
        return TestFiles.golden("formats/" + name);
    }

    private static Path part(String name) {
        return TestFiles.tinyModel(name);
    }

    private static void assertLatents(String name, LoadOptions options, Path... parts) {
        ModelFiles files = new ModelFiles(Stream.of(parts).map(List::of).toList(), part("tokenizer"));
        GenerationRequest request = GenerationRequest.of("a cat")
                .steps(4)
                .size(64, 96)
                .cfgScale(4)
                .seed(0)
                .build();
        try (Flux2Pipeline pipeline = Flux2Pipeline.load(files, options);
                Scope _ = new Scope()) {
            Tensor expected = Golden.read("formats/expected.safetensors").tensor(name + ".latents");
            TensorAssert.assertClose(name, pipeline.generate(request).latents().toTensor(), expected, TOLERANCE);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void transformerInGguf(boolean offload) {
        LoadOptions options = offload ? OPTIONS.withOffload(EnumSet.of(ModelRole.TRANSFORMER)) : OPTIONS;
        assertLatents("gguf_Q4_0", options, golden("transformer/Q4_0.gguf"), part("vae"), part("text_encoder"));
    }

    @Test
    void textEncoderInGgufWithNamesOfLlamaCpp() {
        assertLatents("text_gguf", OPTIONS, part("transformer"), part("vae"), golden("text_encoder/Q8_0.gguf"));
    }

    @Test
    void transformerInFloat8WithScales() {
        assertLatents("fp8_new", OPTIONS, golden("transformer/fp8_new.safetensors"), part("vae"), part("text_encoder"));
    }

    /// The same weights with the names of older files, and with the scale repeated for each row.
    @ParameterizedTest
    @ValueSource(strings = {"old", "row"})
    void scalesOfOtherShapesAndNames(String kind) throws IOException {
        Path file = folder.resolve(kind + ".safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(golden("transformer/fp8_new.safetensors"));
            Map<String, Tensor> changed = new LinkedHashMap<>();
            tensors.forEach((name, tensor) -> {
                if (!name.endsWith(SCALE)) {
                    changed.put(name, tensor);
                    return;
                }
                String layer = name.substring(0, name.length() - SCALE.length());
                long rows =
                        Objects.requireNonNull(tensors.get(layer + ".weight")).size(0);
                if (kind.equals("old")) {
                    changed.put(layer + ".scale_weight", tensor.reshape(1));
                } else {
                    changed.put(name, tensor.repeat(rows));
                }
            });
            assertThat(changed).hasSameSizeAs(tensors);
            TensorFiles.write(file, changed, Map.of());
        }
        assertLatents("fp8_new", OPTIONS, file, part("vae"), part("text_encoder"));
    }
}
