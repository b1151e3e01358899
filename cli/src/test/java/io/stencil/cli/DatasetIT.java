package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.flux2.text.PromptTokenizer;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageReader;
import io.stencil.lab.world.DatasetWriter;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Scene;
import io.stencil.testing.TestFiles;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.options.DataOptions;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.OnBadRow;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// `stencil dataset` writes what `stencil train` reads.
class DatasetIT {

    /// Tokens that a prompt is padded to on the small model.
    private static final int PROMPT_LENGTH = 32;

    @TempDir
    private Path folder;

    private Path output() {
        return folder.resolve("data set");
    }

    /// A good command line; each of `more` replaces the word for the same option, and `--option=` removes it.
    private String[] words(String... more) {
        List<String> words = new ArrayList<>(List.of("--output_path=" + output(), "--count=3"));
        for (String word : more) {
            words.removeIf(earlier -> earlier.startsWith(word.replaceFirst("=.*", "=")));
        }
        words.addAll(Arrays.asList(more));
        words.removeIf(word -> word.endsWith("="));
        words.addFirst("dataset");
        return words.toArray(String[]::new);
    }

    @ParameterizedTest
    @EnumSource
    void everyKindIsReadByTheTrainer(DatasetWriter.Kind kind) {
        StencilRun run = StencilRun.inProcess(words("--kind=" + kind.label(), "--seed=4"))
                .succeeded();

        assertThat(run.out()).isEqualTo("wrote 3 rows to %s%n".formatted(output()));
        Set<ExtraInput> extra = EnumSet.noneOf(ExtraInput.class);
        if (kind != DatasetWriter.Kind.PLAIN && kind != DatasetWriter.Kind.VARIED) {
            extra.add(ExtraInput.TEMPLATE_INPUTS);
        }
        if (kind == DatasetWriter.Kind.EDIT) {
            extra.add(ExtraInput.EDIT_IMAGE);
        }
        Path metadata = output().resolve("metadata.jsonl");
        Dataset dataset = Dataset.read(new DataOptions(
                output(),
                metadata,
                1,
                FileKey.neededBy(extra, null),
                0,
                false,
                64,
                64,
                4096,
                false,
                64,
                extra,
                null,
                OnBadRow.FAIL));
        assertThat(dataset.rows()).hasSize(3);
        for (DatasetRow row : dataset.rows()) {
            assertThat(dataset.load(row).image()).isEqualTo(RgbImageReader.read(row.image()));
            assertThat(row.prompt()).isNotBlank();
            if (row.templateInputs() != null) {
                picturesExist(row);
            }
        }
    }

    private void picturesExist(DatasetRow row) {
        for (String key : List.of("image", "mask")) {
            String path = row.templateInputs() == null
                    ? ""
                    : row.templateInputs().path(key).asText();
            if (!path.isEmpty()) {
                assertThat(RgbImageReader.read(output().resolve(path)).size()).isEqualTo(new ImageSize(64, 64));
            }
        }
    }

    @Test
    void sizeAndConfigurationFileAreFollowed() throws IOException {
        Path config = Files.writeString(folder.resolve("c.yaml"), "size: 128\nseed: 9\ncount: 2\n");

        StencilRun.inProcess(words("--config=" + config)).succeeded();

        assertThat(StencilRun.content(output()))
                .containsExactly(
                        "images", "images/000000.png", "images/000001.png", "images/000002.png", "metadata.jsonl");
        assertThat(RgbImageReader.read(output().resolve("images/000001.png")).size())
                .isEqualTo(new ImageSize(128, 128));
        assertThat(Files.readAllLines(output().resolve("metadata.jsonl")).get(1))
                .contains("\"%s\"".formatted(Scene.captioned(new Draws(9, 1)).caption()));
    }

    @Test
    void helpNamesTheKinds() {
        StencilRun run = StencilRun.inProcess("dataset", "--help").succeeded();

        assertThat(run.out()).contains("plain, varied, brightness, rgb").contains("Default: plain.");
    }

    @ParameterizedTest
    @MethodSource
    void wrongValuesAreToldAndNothingIsWritten(String word, int exitCode, String message) throws IOException {
        StencilRun.inProcess(words(word)).failed(exitCode, message);

        assertThat(StencilRun.content(folder)).isEmpty();
    }

    static Stream<Arguments> wrongValuesAreToldAndNothingIsWritten() {
        return Stream.of(
                Arguments.of("--count=-1", 1, "'count': must be 1 to 1000000, found -1"),
                Arguments.of("--count=0", 1, "'count': must be 1 to 1000000, found 0"),
                Arguments.of("--count=many", 2, "'--count'"),
                Arguments.of("--count=", 2, "'--count=N'"),
                Arguments.of("--output_path=", 2, "'--output_path=DIR'"),
                Arguments.of("--size=50", 1, "'size': must be a multiple of 16 from 32 to 512, found 50"),
                Arguments.of("--kind=bright", 1, "'kind': expected one of plain, varied, brightness"),
                Arguments.of(
                        "--output_path=" + TestFiles.root().resolve("pom.xml/a"), 1, "pom.xml' is not a directory"));
    }

    @Test
    void aFolderWithSomethingInItIsLeftAlone() throws IOException {
        Files.createDirectory(output());
        Path mine = Files.writeString(output().resolve("mine.txt"), "mine");

        StencilRun.inProcess(words()).failed(1, output() + ": is not empty", "name another folder");

        assertThat(StencilRun.content(output())).containsExactly("mine.txt");
        assertThat(mine).hasContent("mine");
    }

    @Test
    void ctrlCLeavesNothing() throws IOException, InterruptedException {
        StencilProcess process = StencilProcess.start(folder, words("--count=1000000"));
        for (int waited = 0; waited < 600 && picturesSoFar() < 20; waited++) {
            Thread.sleep(100);
        }

        process.interrupt();

        assertThat(process.await().exitCode()).isEqualTo(130);
        assertThat(StencilRun.content(folder)).isEmpty();
    }

    /// Looks at names alone, for files come and go while a dataset is painted.
    private long picturesSoFar() {
        File[] made = folder.toFile().listFiles();
        return Stream.ofNullable(made)
                .flatMap(Arrays::stream)
                .map(one -> new File(one, "images").list())
                .filter(Objects::nonNull)
                .mapToLong(names -> names.length)
                .sum();
    }

    @Test
    void captionsAreShortForTheTokenizer() {
        try (PromptTokenizer tokenizer = PromptTokenizer.qwen3()) {
            for (int index = 0; index < 500; index++) {
                String caption = Scene.captioned(new Draws(2, index)).caption();
                String[] words = caption.replace(",", " ,").split(" ", -1);
                assertThat(tokenizer.encode(caption)).as(caption).hasSizeBetween(words.length, 20);
                assertThat(tokenizer.tokens(caption, 512).length()).as(caption).isLessThanOrEqualTo(PROMPT_LENGTH);
            }
        }
    }
}
