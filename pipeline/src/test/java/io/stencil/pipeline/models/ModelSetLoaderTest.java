package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.PromptTokenizer;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Loads models and tokenizer, and reports the fault of a model before that of the tokenizer.
class ModelSetLoaderTest {

    private static final LoadOptions OPTIONS = new LoadOptions(DType.FLOAT32, Device.CPU);

    @TempDir
    private Path folder;

    private static Path part(String name) {
        return TestFiles.tinyModel(name);
    }

    private Path broken(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(file, "{");
        return file;
    }

    private static ModelSet load(Path tokenizer, Path... parts) {
        return ModelSet.load(
                new ModelFiles(List.of(parts).stream().map(List::of).toList(), tokenizer), OPTIONS);
    }

    @Test
    void promptsAreTokenizedByTheTokenizer() {
        try (ModelSet models = load(part("tokenizer"), part("text_encoder"))) {
            assertThat(Objects.requireNonNull(models.textEncoder())
                            .length("a wall")
                            .tokens())
                    .isPositive();
        }
    }

    @Test
    void aBrokenTokenizerIsReportedByItsFile() throws IOException {
        Path tokenizer = broken("tokenizer.json");
        assertThatThrownBy(() -> load(tokenizer, part("transformer"), part("text_encoder")))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(tokenizer + ": is not a tokenizer: ");
    }

    @Test
    void aBrokenModelIsReportedBeforeABrokenTokenizer() throws IOException {
        Path model = broken("model.safetensors");
        Path tokenizer = broken("tokenizer.json");
        assertThatThrownBy(() -> load(tokenizer, part("text_encoder"), model))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(model + ": ");
    }

    @Test
    void aWrongRequestIsReportedBeforeABrokenTokenizer() throws IOException {
        ModelFiles files = new ModelFiles(List.of(List.of(part("text_encoder"))), broken("tokenizer.json"));
        assertThatThrownBy(() -> ModelSet.load(files, OPTIONS.withFloat8(Set.of(ModelRole.VAE))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'fp8_models': names 'vae'");
    }

    /// As nothing reads it.
    @Test
    void aBrokenTokenizerWithoutATextEncoderIsNoFault() throws IOException {
        try (ModelSet models = load(broken("tokenizer.json"), part("vae"))) {
            assertThat(models.vae()).isNotNull();
        }
    }

    /// Text encoders of another vocabulary need a tokenizer of their own.
    @Test
    void withoutATokenizerThatOfQwen3IsForItsVocabularyOnly() {
        ModelFiles files = new ModelFiles(List.of(List.of(part("text_encoder"))), null);
        assertThatThrownBy(() -> ModelSet.load(files, OPTIONS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'tokenizer_path': is needed: the text encoder has 1280 tokens, and Qwen3's tokenizer, the default,"
                                + " is for 151936");
    }

    @Test
    void withoutATokenizerPromptsAreTokenizedByThatOfQwen3() throws IOException {
        Path weights = folder.resolve("qwen3.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = TensorFiles.read(part("text_encoder/model.safetensors"));
            tensors.put("model.embed_tokens.weight", Tensors.zeros(DType.BFLOAT16, Device.CPU, 151936, 64));
            TensorFiles.write(weights, tensors, Map.of());
        }
        try (ModelSet models = ModelSet.load(new ModelFiles(List.of(List.of(weights)), null), OPTIONS);
                PromptTokenizer qwen3 = PromptTokenizer.qwen3()) {
            assertThat(Objects.requireNonNull(models.textEncoder())
                            .length("a wall")
                            .tokens())
                    .isEqualTo(qwen3.count("a wall"));
        }
    }
}
