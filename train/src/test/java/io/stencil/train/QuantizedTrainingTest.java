package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.flux2.convert.Conversion;
import io.stencil.flux2.convert.ModelTarget;
import io.stencil.flux2.convert.Quantization;
import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.testing.TestFiles;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Training a Template on a base model whose file is quantized.
class QuantizedTrainingTest {

    @TempDir
    Path folder;

    private List<Double> losses(Path transformer, LoadOptions load, boolean checkpointing) throws IOException {
        Path run = Files.createTempDirectory(folder, "run");
        TinyDataset dataset = TinyDataset.paint(Files.createDirectory(run.resolve("data")), 4);
        ModelFiles base = new ModelFiles(
                Stream.of(transformer, TestFiles.tinyModel("vae"), TestFiles.tinyModel("text_encoder"))
                        .map(List::of)
                        .toList(),
                TestFiles.tinyModel("tokenizer"));
        TrainOptions options = TinyDataset.options(
                        base, dataset.folder(), dataset.folder().resolve("metadata.jsonl"), run.resolve("out"))
                .load(load)
                .gradientCheckpointing(checkpointing)
                .epochs(1)
                .build();
        Recorder recorder = new Recorder();
        new Trainer().run(options, recorder);
        return recorder.losses();
    }

    /// Writes the values of a quantized file in float32.
    private Path widened(Path quantized) throws IOException {
        Path copy = folder.resolve("wide.safetensors");
        try (Scope _ = new Scope();
                TensorSource source = quantized.toString().endsWith(GgufFile.SUFFIX)
                        ? GgufFile.open(quantized)
                        : SafetensorsFile.open(quantized)) {
            Map<String, Tensor> wide = new LinkedHashMap<>();
            for (String name : source.entries().keySet()) {
                if (source.entry(name).dtype() instanceof BlockType type) {
                    wide.put(name, TensorFiles.widened(source, name, type));
                } else if (!name.endsWith("_scale") && !name.endsWith(".comfy_quant")) {
                    wide.put(name, DType.FLOAT32.cast(TensorFiles.view(source, name)));
                }
                if (source.entries().containsKey(name + "_scale")) {
                    Tensor values = Objects.requireNonNull(wide.get(name));
                    wide.put(name, values.mul(TensorFiles.view(source, name + "_scale")));
                }
            }
            TensorFiles.write(copy, wide, Map.of());
        }
        return copy;
    }

    /// What quantizing itself changes.
    @ParameterizedTest
    @CsvSource({"FLOAT8, quantized.safetensors, 1", "Q8_0, quantized.gguf, 1"})
    void lossesAreCloseToThoseOfTheBaseThatWasQuantized(Quantization quantization, String name, double percent)
            throws IOException {
        Path quantized = folder.resolve(name);
        Conversion.run(
                TestFiles.tinyModel("transformer"),
                quantized,
                new ModelTarget(null, quantization, null, null, false),
                (_, _) -> {});
        List<Double> expected = losses(TestFiles.tinyModel("transformer"), TinyTraining.FLOAT32, false);
        List<Double> actual = losses(quantized, TinyTraining.FLOAT32, false);
        assertThat(actual).hasSameSizeAs(expected).isNotEqualTo(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), Percentage.withPercentage(percent));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q4_0.gguf", "fp8_new.safetensors"})
    void lossesAreThoseOfTheWidenedWeights(String name) throws IOException {
        Path quantized = TestFiles.golden("formats/transformer/" + name);
        List<Double> expected = losses(widened(quantized), TinyTraining.FLOAT32, false);
        assertThat(expected).isNotEmpty();
        LoadOptions offloaded = TinyTraining.FLOAT32.withOffload(EnumSet.of(ModelRole.TRANSFORMER));
        for (List<Double> actual : List.of(
                losses(quantized, TinyTraining.FLOAT32, false),
                losses(quantized, TinyTraining.FLOAT32, true),
                losses(quantized, offloaded, true))) {
            assertThat(actual).hasSameSizeAs(expected);
            for (int i = 0; i < expected.size(); i++) {
                assertThat(actual.get(i)).isCloseTo(expected.get(i), Percentage.withPercentage(1e-2));
            }
        }
    }
}
