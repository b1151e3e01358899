package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.cli.arguments.Arguments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class ConfigFileTest {

    private Path folder = Path.of("");

    @BeforeEach
    void takeFolder(@TempDir Path created) {
        folder = created;
    }

    @Test
    void yamlGivesOptionsOfEveryKind() throws IOException {
        CommandLineRun run = run("run.yaml", """
                # a comment
                prompt: "a leaf: green, = wet"
                num-inference-steps: 4
                learning_rate: 1e-4
                edit_image: [a.png, "b, c.png"]
                extra_inputs: [template_inputs, edit_image]
                model_paths: [dit.safetensors, [shard1, shard2]]
                template_inputs: {scale: 0.8, images: [x.png]}
                lazy_loading: true
                dataset_shuffle: false
                """);

        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        CommandLineRun.Sample sample = run.sample();
        assertThat(sample.prompt).isEqualTo("a leaf: green, = wet");
        assertThat(sample.steps).isEqualTo(4);
        assertThat(sample.learningRate).isEqualTo(1e-4);
        assertThat(sample.editImages).containsExactly("a.png", "b, c.png");
        assertThat(sample.extraInputs).containsExactly("template_inputs", "edit_image");
        assertThat(sample.modelPaths).isEqualTo("[\"dit.safetensors\",[\"shard1\",\"shard2\"]]");
        assertThat(sample.templateInputs).isEqualTo("{\"scale\":0.8,\"images\":[\"x.png\"]}");
        assertThat(sample.lazyLoading).isTrue();
        assertThat(sample.datasetShuffle).isFalse();
    }

    /// Commas inside braces belong to a pattern, so that picocli cannot split every list.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "model_id_with_origin_paths",
                "extra_inputs",
                "data_file_keys",
                "trainable_models",
                "fp8_models",
                "offload_models"
            })
    void aListIsTakenWhereTheCommandLineTakesCommas(String option) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), option + ": [first, second]");
        CommandLine root = StencilCommand.commandLine();
        Arguments arguments = Arguments.of(
                root.getCommandSpec(), "--config", "train", "--config=" + file, "--dataset_metadata_path=m");
        OptionSpec spec = Objects.requireNonNull(root.getSubcommands().get("train"))
                .getCommandSpec()
                .findOption("--" + option);
        root.setParameterExceptionHandler((fault, _) -> {
            assertThat(fault).hasMessageStartingWith("Missing required option");
            return 0;
        });

        root.execute(arguments.words().toArray(String[]::new));

        assertThat(spec.<List<String>>getValue()).containsExactly("first", "second");
    }

    @Test
    void jsonGivesTheSame() throws IOException {
        CommandLineRun run = run("run.json", "{\"edit_image\": \"a.png\",\n\t\"template_inputs\": {\"scale\": 1e-1}}");

        assertThat(run.exitCode()).isZero();
        assertThat(run.sample().editImages).containsExactly("a.png");
        assertThat(run.sample().templateInputs).isEqualTo("{\"scale\":0.1}");
    }

    @Test
    void aNumberWithAnExponentStaysANumberInsideAnObject() throws IOException {
        CommandLineRun run = run("run.yaml", "template_inputs: {scale: 1e-1}");

        assertThat(run.sample().templateInputs).isEqualTo("{\"scale\":0.1}");
    }

    @Test
    void theCommandLineWins() throws IOException {
        String content = "num_inference_steps: 4\nedit_image: [a.png, b.png]\nprompt: kept\nlazy_loading: true";
        CommandLineRun run =
                run("run.yaml", content, "--num-inference-steps=9", "--edit_image", "mine.png", "--lazy_loading=false");

        assertThat(run.exitCode()).isZero();
        assertThat(run.sample().steps).isEqualTo(9);
        assertThat(run.sample().editImages).containsExactly("mine.png");
        assertThat(run.sample().prompt).isEqualTo("kept");
        assertThat(run.sample().lazyLoading).isFalse();
    }

    @Test
    void theFileMayBeNamedBeforeTheCommand() throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), "num_inference_steps: 4");

        CommandLineRun run = CommandLineRun.of("--config=" + file, "sample");

        assertThat(run.exitCode()).isZero();
        assertThat(run.sample().steps).isEqualTo(4);
    }

    @Test
    void anEmptyFileGivesNothing() throws IOException {
        assertThat(run("run.yaml", "# nothing yet\n").exitCode()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    numinference: 4                     | 'numinference': is no option of 'sample', which has prompt,
                    help: true                          | 'help': is no option of 'sample'
                    config: other.yaml                  | 'config': is no option of 'sample'
                    prompt:                             | 'prompt': has no value
                    {edit_image: a, edit-image: b}      | 'edit-image': is given twice, in two spellings
                    num_inference_steps: many           | 'num_inference_steps': Invalid value for option
                    lazy_loading: sometimes             | 'lazy_loading': Invalid value for option
                    """)
    void aWrongKeyOrValueIsWrongUsageAndNamesFileAndKey(String content, String expected) throws IOException {
        CommandLineRun run = run("run.yaml", content);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("stencil: " + folder.resolve("run.yaml") + ": " + expected)
                .endsWith("; try 'stencil sample --help'\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run.yaml | [a, b]               | : must hold options as 'name: value', found a list
                    run.yaml | only text            | : must hold options as 'name: value', found a single value
                    run.yaml | {prompt: a, prompt: b} | :1: is not valid YAML: Duplicate
                    run.yaml | {prompt: a           | :1: is not valid YAML:
                    run.json | prompt: a            | :1: is not valid JSON:
                    run.json | {} {}                | :1: is not valid JSON:
                    """)
    void aMalformedFileIsAFailureAndNamesTheLine(String name, String content, String expected) throws IOException {
        CommandLineRun run = run(name, content);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("stencil: " + folder.resolve(name) + expected);
    }

    @Test
    void anAbsentFileIsAFailure() {
        CommandLineRun run = CommandLineRun.of("sample", "--config", "absent.yaml");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualTo("stencil: absent.yaml: no such file; --config must name a YAML or JSON file\n");
    }

    @Test
    void debugPrintsWhyAFileIsMalformed() throws IOException {
        assertThat(run("run.yaml", "{prompt: a", "--debug").err()).contains("Caused by", "YAMLException");
    }

    private CommandLineRun run(String name, String content, String... more) throws IOException {
        Path file = Files.writeString(folder.resolve(name), content);
        String[] words = new String[more.length + 3];
        words[0] = "sample";
        words[1] = "--config";
        words[2] = file.toString();
        System.arraycopy(more, 0, words, 3, more.length);
        return CommandLineRun.of(words);
    }
}
