package io.stencil.flux2.convert;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.flux2.files.BaseModelPart;
import io.stencil.flux2.files.ModelConfig;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.nn.WeightLoader;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A transformer of other heads and counts of blocks, some of whose rows are no whole blocks, in the layouts of other
/// software.
class OtherSizesTest {

    private static final TransformerConfig CONFIG =
            new TransformerConfig(12, 1, 2, 16, 6, 20, 6, 100 / 96.0, List.of(4, 4, 4, 4), 2000, 1e-6, false);

    @TempDir
    private Path folder;

    private final Scope scope = new Scope();
    private Path original;

    @BeforeEach
    void write() throws IOException {
        original = folder.resolve("original.safetensors");
        try (Flux2Transformer random = new Flux2Transformer(CONFIG);
                TorchGenerator generator = new TorchGenerator(5)) {
            random.initialize(DType.FLOAT32, Device.CPU, generator);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            random.state().forEach((name, parameter) -> tensors.put(name, parameter.get()));
            TensorFiles.write(original, tensors, Map.of());
        }
    }

    @AfterEach
    void free() {
        scope.close();
    }

    private Path convert(Path in, String name, ModelTarget target) throws IOException {
        Path out = folder.resolve(name);
        Conversion.run(in, out, target, (_, _) -> {});
        return out;
    }

    private Tensor velocity(Path file, boolean offload) {
        BaseModelPart part = BaseModelPart.recognise(List.of(file)).getFirst();
        assertThat(part.config()).isEqualTo(new ModelConfig.Transformer(CONFIG));
        try (Flux2Transformer transformer = new Flux2Transformer(CONFIG);
                TorchGenerator generator = new TorchGenerator(6);
                GradMode _ = GradMode.disabled()) {
            new WeightLoader(DType.FLOAT32, Device.CPU).open(transformer, part.weights(), Set.of(), offload);
            transformer.trainOnly(Set.of());
            ImageTokens image = new ImageTokens(generator.randn(DType.FLOAT32, 1, 6, 12), TokenIds.image(2, 3));
            TextTokens text = TextTokens.of(generator.randn(DType.FLOAT32, 1, 5, 20));
            return transformer
                    .forward(TransformerInput.of(image, text, 500), Checkpointing.OFF)
                    .clone();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', bfl.safetensors, 1e-6",
        "FLOAT8, float8.safetensors, 0.1",
        "FLOAT8_ROWS, rows.safetensors, 0.1",
        "Q8_0, eight.gguf, 0.02",
        "Q5_1, five.gguf, 0.1",
        "Q4_0, four.gguf, 0.3"
    })
    void theVelocityIsThatOfTheWidenedWeights(String quantization, String name, double error) throws IOException {
        Path file = convert(
                original,
                name,
                new ModelTarget(
                        ModelTarget.Dialect.BFL,
                        quantization.isEmpty() ? null : Quantization.valueOf(quantization),
                        null,
                        null,
                        false));
        Path wide = convert(
                file,
                "wide.safetensors",
                new ModelTarget(ModelTarget.Dialect.DIFFUSERS, null, DType.FLOAT32, null, false));
        Tensor expected = velocity(wide, false);
        TensorAssert.assertClose("mapped", velocity(file, false), expected, 1e-5);
        TensorAssert.assertClose("offloaded", velocity(file, true), expected, 1e-5);
        TensorAssert.assertClose("rounded", expected, velocity(original, false), error);
    }
}
