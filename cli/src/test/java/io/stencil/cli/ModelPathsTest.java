package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelPathsTest {

    @TempDir
    private Path temporary;

    private Path klein;

    @BeforeEach
    void makeModel() throws IOException {
        klein = temporary.resolve("a model");
        for (String file : List.of(
                "transformer/one.safetensors",
                "transformer/two.safetensors",
                "transformer/config.json",
                "text_encoder/model.safetensors",
                "tokenizer/tokenizer.json")) {
            Files.createDirectories(klein.resolve(file).getParent());
            Files.createFile(klein.resolve(file));
        }
    }

    private static String json(Object... entries) {
        StringBuilder text = new StringBuilder("[");
        for (Object entry : entries) {
            text.append(text.length() > 1 ? "," : "").append('"').append(entry).append('"');
        }
        return text.append(']').toString();
    }

    @Test
    void aFileIsOneModelAndAListTheShardsOfOne() {
        Path one = klein.resolve("transformer/one.safetensors");
        Path two = klein.resolve("transformer/two.safetensors");
        Path text = klein.resolve("text_encoder/model.safetensors");

        ModelFiles files = ModelPaths.read("[\"%s\", %s]".formatted(text, json(one, two)));

        assertThat(files.parts()).containsExactly(List.of(text), List.of(one, two));
        assertThat(files.tokenizer()).isNull();
    }

    @Test
    void aPatternGivesTheShardsOfOneModel() {
        ModelFiles files = ModelPaths.read(json(klein + "/transformer/*.safetensors"));

        assertThat(files.parts())
                .containsExactly(List.of(
                        klein.resolve("transformer/one.safetensors"), klein.resolve("transformer/two.safetensors")));
    }

    @Test
    void aFolderInHuggingFaceLayoutGivesAllPartsAndTheTokenizer() {
        for (String text : List.of(klein.toString(), json(klein))) {
            ModelFiles files = ModelPaths.read(text);

            assertThat(files.parts())
                    .containsExactly(List.of(klein.resolve("transformer")), List.of(klein.resolve("text_encoder")));
            assertThat(files.tokenizer()).isEqualTo(klein.resolve("tokenizer"));
        }
    }

    @Test
    void aPatternThatMatchesNothingTellsWhatIsThere() {
        assertThatThrownBy(() -> ModelPaths.read(json(klein + "/vae/*.safetensors")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'model_paths': 'vae/*.safetensors' matches no file in %s; "
                                + "found text_encoder/, tokenizer/, transformer/",
                        klein);
        assertThatThrownBy(() -> ModelPaths.read(json(klein + "/transformer/*.bin")))
                .hasMessage(
                        "'model_paths': '*.bin' matches no file in %s/transformer; "
                                + "found config.json, one.safetensors, two.safetensors",
                        klein);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "[\"a\"          | is not JSON",
                "[\"a\"] x       | is not JSON",
                "{\"a\": 1}      | expected a JSON list",
                "[]              | expected a JSON list",
                "[1]             | an entry must be a path or a list of paths, found 1",
                "[[1]]           | a shard must be a path, found 1",
                "[[]]            | an entry must be a path or a list of paths, found []",
                "absent          | 'absent' does not exist",
                "[\"absent\"]    | 'absent' does not exist",
            })
    void malformedTextIsRefused(String text, String fault) {
        assertThatThrownBy(() -> ModelPaths.read(text))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'model_paths': ")
                .hasMessageContaining(fault);
    }

    @Test
    void anOriginIsAFolderWithAPattern() {
        ModelFiles files = OriginPath.models(
                "%1$s:transformer/*.safetensors, %1$s:text_encoder/model.safetensors".formatted(klein));

        assertThat(files.parts())
                .containsExactly(
                        List.of(
                                klein.resolve("transformer/one.safetensors"),
                                klein.resolve("transformer/two.safetensors")),
                        List.of(klein.resolve("text_encoder/model.safetensors")));
        assertThat(OriginPath.models(klein + ":").tokenizer()).isEqualTo(klein.resolve("tokenizer"));
        assertThat(OriginPath.models(klein + ":transformer/{one,two}.safetensors")
                        .parts()
                        .getFirst())
                .hasSize(2);
    }

    @Test
    void anIdOfAHubIsRefusedWithWhatToDo() {
        assertThatThrownBy(() -> OriginPath.models("black-forest-labs/FLUX.2-klein-base-4B:transformer/*.safetensors"))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'model_id_with_origin_paths': 'black-forest-labs/FLUX.2-klein-base-4B' is no local folder, "
                                + "and models are not downloaded from hubs yet; download it and give its folder in place of the "
                                + "ID");
    }

    @Test
    void anOriginThatMatchesNothingTellsWhatIsThere() {
        assertThatThrownBy(() -> OriginPath.models(klein + ":vae/*.safetensors"))
                .hasMessage(
                        "'model_id_with_origin_paths': 'vae/*.safetensors' matches no file in %s; "
                                + "found text_encoder/, tokenizer/, transformer/",
                        klein);
        assertThatThrownBy(() -> OriginPath.models("absent folder:x"))
                .hasMessageContaining("'absent folder' is no folder");
        assertThatThrownBy(() -> OriginPath.models(" , ")).hasMessageContaining("names no model");
    }

    @Test
    void theTokenizerIsAFolder() {
        Path tokenizer = klein.resolve("tokenizer");
        assertThat(OriginPath.tokenizer(tokenizer.toString())).isEqualTo(tokenizer);
        assertThat(OriginPath.tokenizer(tokenizer + "/tokenizer.json")).isEqualTo(tokenizer);
        assertThat(OriginPath.tokenizer(klein + ":tokenizer/")).isEqualTo(tokenizer);
        assertThatThrownBy(() -> OriginPath.tokenizer(klein + "/transformer"))
                .hasMessageContaining("no tokenizer.json");
        assertThatThrownBy(() -> OriginPath.tokenizer(klein + ":tok/")).hasMessageContaining("'tok/' is no folder in");
    }
}
