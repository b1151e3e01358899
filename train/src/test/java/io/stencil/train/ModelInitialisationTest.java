package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.PromptTokenizer;
import io.stencil.flux2.text.Qwen3Config;
import io.stencil.flux2.text.Qwen3Encoder;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Random starts, on the configuration of Tiny Klein.
class ModelInitialisationTest {

    private static final Path CONFIGS = TestFiles.root().resolve("models/tiny-klein");
    private static final Path TRANSFORMER = Path.of("transformer/diffusion_pytorch_model.safetensors");

    @TempDir
    Path folder;

    private Path write(String name, long seed) {
        Path target = folder.resolve(name);
        new ModelInitialisation(seed, DType.FLOAT32).write(CONFIGS, target);
        return target;
    }

    @Test
    void equalSeedsGiveEqualFilesAndOthersDoNot() throws IOException {
        Path first = write("a", 1);
        Path second = write("b", 1);
        Path other = write("c", 2);
        for (String file : List.of(
                TRANSFORMER.toString(), "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors")) {
            byte[] bytes = Files.readAllBytes(first.resolve(file));
            assertThat(bytes)
                    .isEqualTo(Files.readAllBytes(second.resolve(file)))
                    .isNotEqualTo(Files.readAllBytes(other.resolve(file)));
        }
    }

    /// Made one by one while they are written, the numbers are those of layers that are filled one after the other.
    @Test
    void theNumbersAreThoseOfAModelThatIsFilledInMemory() throws IOException {
        Path model = write("a", 5);
        Path file = model.resolve("text_encoder/model.safetensors");
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5);
                Qwen3Encoder encoder =
                        new Qwen3Encoder(Qwen3Config.read(CONFIGS.resolve("text_encoder/config.json")))) {
            encoder.initialize(DType.FLOAT32, Device.CPU, generator);
            Map<String, Tensor> written = TensorFiles.read(file);
            assertThat(written.keySet())
                    .containsExactlyInAnyOrderElementsOf(encoder.state().keySet());
            written.forEach((name, tensor) -> TensorAssert.assertClose(
                    name,
                    tensor,
                    Objects.requireNonNull(encoder.state().get(name)).get(),
                    0));
        }
    }

    @Test
    void halfPrecisionIsTheSameRounded() throws IOException {
        new ModelInitialisation(5, DType.BFLOAT16).write(CONFIGS, folder.resolve("half"));
        try (Scope _ = new Scope()) {
            Map<String, Tensor> half = TensorFiles.read(folder.resolve("half").resolve(TRANSFORMER));
            TensorFiles.read(write("whole", 5).resolve(TRANSFORMER))
                    .forEach((name, tensor) -> TensorAssert.assertClose(
                            name,
                            DType.FLOAT32.cast(Objects.requireNonNull(half.get(name))),
                            DType.FLOAT32.cast(DType.BFLOAT16.cast(tensor)),
                            0));
        }
    }

    @Test
    void theTransformerBeginsAsDitDoes() {
        Path model = write("a", 1);
        try (Scope _ = new Scope()) {
            Map<String, Tensor> weights = TensorFiles.read(model.resolve(TRANSFORMER));
            weights.forEach((name, weight) -> {
                double largest = Tensors.toDouble(weight.abs().max());
                if (name.contains("modulation") || name.startsWith("norm_out") || name.equals("proj_out.weight")) {
                    assertThat(largest).as(name).isZero();
                } else if (weight.dim() == 1) {
                    assertThat(largest).as(name).isEqualTo(1);
                } else {
                    double bound = Math.sqrt(6.0 / (weight.size(0) + weight.size(1)));
                    assertThat(largest).as(name).isBetween(0.99 * bound, bound * 1.000001);
                }
            });
        }
    }

    @Test
    void promptsHaveTheLengthAndTheLayersOfTheConfiguration() {
        Path model = write("a", 1);
        try (Scope _ = new Scope();
                Flux2Pipeline pipeline =
                        Flux2Pipeline.load(ModelFiles.in(model), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            assertThat(Tensors.shape(pipeline.models().encodePrompt("a small ring")))
                    .containsExactly(1, 32, 192);
        }
    }

    @Test
    void theWordsOfTheWorldAreOneTokenEachAndAnyTextIsTokenised() {
        try (PromptTokenizer tokenizer = PromptTokenizer.open(CONFIGS.resolve("tokenizer"))) {
            String longest = "a picture of a large yellow triangle in the center, brown background";
            assertThat(tokenizer.encode(longest)).hasSize(13);
            assertThat(tokenizer.tokens(longest, 32).length()).isEqualTo(25);
            for (String word : List.of("circle", "square", "ring", "red", "green", "blue", "purple", "white", "gray")) {
                assertThat(tokenizer.encode(" " + word)).as(word).hasSize(1);
            }
            assertThat(tokenizer.encode("Ünïcode \uD83D\uDE00 zebra")).allMatch(id -> id >= 0 && id < 672);
        }
    }

    @Test
    void whatCannotBeMadeIsRefused() throws IOException {
        ModelInitialisation start = new ModelInitialisation(0, DType.BFLOAT16);
        assertThatThrownBy(() -> start.write(folder.resolve("none"), folder.resolve("a")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("expected config.json in one of the folders transformer, vae, text_encoder");
        Files.createDirectory(folder.resolve("full"));
        Files.writeString(folder.resolve("full/file"), "");
        assertThatThrownBy(() -> start.write(CONFIGS, folder.resolve("full")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("is not empty");
    }
}
