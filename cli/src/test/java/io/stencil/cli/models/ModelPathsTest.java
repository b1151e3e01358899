package io.stencil.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.hub.ModelSource.Fetch;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.Repository;
import io.stencil.pipeline.models.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ModelPathsTest {

    private static final Fetch NO_HUB = reference -> {
        throw new AssertionError("nothing is to be fetched: " + reference);
    };

    private static BaseModelOptions options(String... words) {
        BaseModelOptions options = new BaseModelOptions();
        new CommandLine(CommandLine.Model.CommandSpec.create()
                        .addMixin("base", CommandLine.Model.CommandSpec.forAnnotatedObject(options)))
                .parseArgs(words);
        return options;
    }

    private static ModelFiles paths(String text, Fetch hub) {
        return options("--model_paths=" + text).resolve(hub).files();
    }

    private static ModelFiles origins(String list, Fetch hub) {
        return options("--model_id_with_origin_paths=" + list).resolve(hub).files();
    }

    private @Nullable Path tokenizer(String text) {
        return options("--model_paths=" + klein.resolve("transformer"), "--tokenizer_path=" + text)
                .resolve(NO_HUB)
                .files()
                .tokenizer();
    }

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

        ModelFiles files = paths("[\"%s\", %s]".formatted(text, json(one, two)), NO_HUB);

        assertThat(files.parts()).containsExactly(List.of(text), List.of(one, two));
        assertThat(files.tokenizer()).isNull();
    }

    @Test
    void aPatternGivesTheShardsOfOneModel() {
        List<Path> shards =
                List.of(klein.resolve("transformer/one.safetensors"), klein.resolve("transformer/two.safetensors"));
        // The second matches config.json too, which is no shard.
        for (String pattern : List.of("/transformer/*.safetensors", "/transformer/*")) {
            assertThat(paths(json(klein + pattern), NO_HUB).parts()).containsExactly(shards);
            assertThat(paths("[" + json(klein + pattern) + "]", NO_HUB).parts()).containsExactly(shards);
        }
        assertThat(origins(klein + ":transformer/*", NO_HUB).parts()).containsExactly(shards);
    }

    @Test
    void aFolderInHuggingFaceLayoutGivesAllPartsAndTheTokenizer() {
        for (String text : List.of(klein.toString(), json(klein))) {
            ModelFiles files = paths(text, NO_HUB);

            assertThat(files.parts())
                    .containsExactly(List.of(klein.resolve("transformer")), List.of(klein.resolve("text_encoder")));
            assertThat(files.tokenizer()).isEqualTo(klein.resolve("tokenizer"));
        }
    }

    @Test
    void aPatternThatMatchesNothingTellsWhatIsThere() {
        assertThatThrownBy(() -> paths(json(klein + "/vae/*.safetensors"), NO_HUB))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'model_paths': 'vae/*.safetensors' matches no file in %s; "
                                + "found text_encoder/, tokenizer/, transformer/",
                        klein);
        assertThatThrownBy(() -> paths(json(klein + "/transformer/*.bin"), NO_HUB))
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
        assertThatThrownBy(() -> paths(text, NO_HUB))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'model_paths': ")
                .hasMessageContaining(fault);
    }

    @Test
    void anOriginIsAFolderWithAPattern() {
        ModelFiles files =
                origins("%1$s:transformer/*.safetensors, %1$s:text_encoder/model.safetensors".formatted(klein), NO_HUB);

        assertThat(files.parts())
                .containsExactly(
                        List.of(
                                klein.resolve("transformer/one.safetensors"),
                                klein.resolve("transformer/two.safetensors")),
                        List.of(klein.resolve("text_encoder/model.safetensors")));
        assertThat(origins(klein + ":", NO_HUB).tokenizer()).isEqualTo(klein.resolve("tokenizer"));
        assertThat(origins(klein + ":transformer/{one,two}.safetensors", NO_HUB)
                        .parts()
                        .getFirst())
                .hasSize(2);
    }

    @Test
    void anIdOfAHubIsFetchedWhereNoFolderHasItsName() {
        Fetch remote = reference -> {
            assertThat(reference).hasToString("org/klein@v1:transformer/*.safetensors");
            Repository repository = new Repository(HubKind.MODELSCOPE, HubKind.MODELSCOPE.site(), reference.id());
            return new Snapshot(repository, "v1", null, klein, List.of(klein.resolve("transformer/two.safetensors")));
        };
        String text = "org/klein@v1:transformer/*.safetensors";
        List<List<Path>> expected = List.of(List.of(klein.resolve("transformer/two.safetensors")));
        assertThat(origins(text, remote).parts()).isEqualTo(expected);
        assertThat(paths(json(text), remote).parts()).isEqualTo(expected);
        assertThatThrownBy(() -> origins("org/klein", remote))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage(
                        "'model_id_with_origin_paths': 'org/klein' is not a local directory; to have it from a hub, write "
                                + "'org/klein:'");
    }

    @Test
    void anOriginThatMatchesNothingTellsWhatIsThere() {
        assertThatThrownBy(() -> origins(klein + ":vae/*.safetensors", NO_HUB))
                .hasMessage(
                        "'model_id_with_origin_paths': 'vae/*.safetensors' matches no file in %s; "
                                + "found text_encoder/, tokenizer/, transformer/",
                        klein);
        assertThatThrownBy(() -> origins("absent folder:x", NO_HUB))
                .hasMessageContaining("'absent folder' is not a directory");
        assertThatThrownBy(() -> origins(" , ", NO_HUB)).hasMessageContaining("names no model");
    }

    /// Else the pattern would choose among the files of the working directory.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "klein:*.safetensors     | 'klein' is not a directory",
                "klein:                  | 'klein' is not a directory",
                "klein:one.safetensors   | 'klein' is not a directory",
                "./modls/x:vae/*         | './modls/x' is not a directory",
                "x/y/z:*/one.safetensors | 'x/y/z' is not a directory",
                ":*.safetensors          | ':*.safetensors' must be FOLDER:PATTERN",
                ":                       | ':' must be FOLDER:PATTERN",
            })
    void aPatternNeedsItsFolder(String text, String fault) {
        assertThatThrownBy(() -> paths(json(text), NO_HUB))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'model_paths': " + fault);
        assertThatThrownBy(() -> origins(text, NO_HUB))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'model_id_with_origin_paths': " + fault);
    }

    @Test
    void anOriginIsNoGlobOfTheWorkingDirectory() {
        // The working directory has such files.
        assertThat(Path.of("src/main")).isDirectory();
        for (String text : List.of("src/*", "*", "s*c/main")) {
            assertThatThrownBy(() -> origins(text, NO_HUB))
                    .hasMessage("'model_id_with_origin_paths': '%s' must be FOLDER:PATTERN", text);
            assertThatThrownBy(() -> tokenizer(text)).hasMessage("'tokenizer_path': '%s' is not a directory", text);
        }
    }

    @Test
    void aPatternMayLieInAFolderWithAColon() throws IOException {
        Path file = Files.createDirectories(temporary.resolve("run:1")).resolve("x.safetensors");
        Files.createFile(file);
        assertThat(paths(json(temporary + "/run:1/*.safetensors"), NO_HUB).parts())
                .containsExactly(List.of(file));
        assertThatThrownBy(() -> paths(json(temporary + "/run:1/y.safetensors"), NO_HUB))
                .hasMessage("'model_paths': '%s/run:1/y.safetensors' does not exist", temporary);
    }

    @Test
    void anEmptyNameIsNotTheWorkingDirectory() {
        for (String blank : List.of("", " ")) {
            String fault = "is empty; expected a path, or OWNER/NAME:PATTERN of a model at a hub";
            assertThatThrownBy(() -> paths(json(blank), NO_HUB)).hasMessage("'model_paths': " + fault);
            assertThatThrownBy(() -> paths(blank, NO_HUB)).hasMessage("'model_paths': " + fault);
            assertThatThrownBy(() -> paths("[" + json(blank) + "]", NO_HUB)).hasMessage("'model_paths': " + fault);
            assertThatThrownBy(() -> tokenizer(blank)).hasMessage("'tokenizer_path': " + fault);
        }
    }

    @Test
    void theTokenizerIsAFolder() {
        Path tokenizer = klein.resolve("tokenizer");
        assertThat(tokenizer(tokenizer.toString())).isEqualTo(tokenizer);
        assertThat(tokenizer(tokenizer + "/tokenizer.json")).isEqualTo(tokenizer);
        assertThat(tokenizer(klein + ":tokenizer/")).isEqualTo(tokenizer);
        assertThatThrownBy(() -> tokenizer(klein + "/transformer")).hasMessageContaining("no tokenizer.json");
        assertThatThrownBy(() -> tokenizer(klein + ":tok/")).hasMessageContaining("'tok/' is not a directory in");
    }

    /// Local files are validated wherever they stand between those of a hub, which nothing fetches.
    @Test
    void localEntriesAreCheckedBesideThoseOfAHub() {
        BaseModelOptions options = options("--model_paths=" + json("org/klein:vae/", klein + "/transformer"));
        BaseModelOptions.BaseModel model = options.checkLocal();
        assertThat(model.isWhole()).isFalse();
        assertThat(model.entries().keySet()).containsExactly("org/klein:vae/", klein + "/transformer");
        assertThat(model.files().parts()).containsExactly(List.of(klein.resolve("transformer")));
        assertThatThrownBy(() -> options("--model_paths=" + json("org/klein:vae/", "absent"))
                        .checkLocal())
                .hasMessage("'model_paths': 'absent' does not exist");
    }

    @Test
    void aLocalFolderTakesPrecedenceOverARepositoryOfItsName() throws IOException {
        Path folder = Files.createDirectories(temporary.resolve("org/model"));
        Path file = Files.createFile(folder.resolve("x.safetensors"));
        assertThat(paths(json(folder + ":x.safetensors"), NO_HUB).parts()).containsExactly(List.of(file));
    }
}
