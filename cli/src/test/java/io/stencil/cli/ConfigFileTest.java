package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
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
        var arguments = io.stencil.cli.options.Arguments.of(
                root.getCommandSpec(), "train", "--config=" + file, "--dataset_metadata_path=m");
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
                    numinference: 4                     | 'numinference': is not an option of 'sample', which has prompt,
                    help: true                          | 'help': is not an option of 'sample'
                    config: other.yaml                  | 'config': is not an option of 'sample'
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
                .startsWith("stencil: " + folder.resolve("run.yaml") + ":1: " + expected)
                .endsWith("; try 'stencil sample --help'\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    run.yaml | [a, b]               | :1: must hold options as 'name: value', found a list
                    run.yaml | only text            | :1: must hold options as 'name: value', found a single value
                    run.yaml | {prompt: a, prompt: b} | :1: is not valid YAML: the key 'prompt' is there twice
                    run.yaml | {prompt: a           | :1: is not valid YAML:
                    run.json | prompt: a            | :1: is not valid JSON:
                    run.json | {} {}                | :1: is not valid JSON: there is more text behind the end of the value
                    run.json | [{}]                 | :1: must hold options as 'name: value', found a list
                    run.json | {"prompt": 1, "prompt": 2} | :1: is not valid JSON: Duplicate field 'prompt'
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
        assertThat(run("run.yaml", "{prompt: a", "--debug").err())
                .contains("Caused by", "while parsing a flow mapping");
    }

    @Test
    void anAliasStandsForTheValueOfItsAnchor() throws IOException {
        CommandLineRun run = run("run.yaml", """
                prompt: &leaf a leaf
                edit_image: [*leaf, &list "*leaf"]
                model_paths: &paths [&first a.safetensors, *first]
                template_inputs: {images: *paths, text: *leaf, steps: &steps 4}
                num_inference_steps: *steps
                """);

        assertThat(run.err()).isEmpty();
        assertThat(run.sample().prompt).isEqualTo("a leaf");
        assertThat(run.sample().editImages).containsExactly("a leaf", "*leaf");
        assertThat(run.sample().modelPaths).isEqualTo("[\"a.safetensors\",\"a.safetensors\"]");
        assertThat(run.sample().templateInputs)
                .isEqualTo("{\"images\":[\"a.safetensors\",\"a.safetensors\"],\"text\":\"a leaf\",\"steps\":4}");
        assertThat(run.sample().steps).isEqualTo(4);
    }

    /// YAML 1.1 takes each of them for something else: eight, sixteen, a thousand, true, ninety seconds, a day.
    @ParameterizedTest
    @ValueSource(strings = {"010", "0x10", "1_000", "yes", "off", "1:30", "2001-02-03", "1e3", "12345678901234567890"})
    void aValueIsItsTextAsOnTheCommandLine(String written) throws IOException {
        assertThat(run("run.yaml", "prompt: " + written).sample().prompt).isEqualTo(written);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    num_inference_steps: 1_000 | 'num_inference_steps': Invalid value for option '--num_inference_steps': '1_000' is not an int
                    num_inference_steps: 0x10  | 'num_inference_steps': Invalid value for option '--num_inference_steps': '0x10' is not an int
                    num_inference_steps: 1:30  | 'num_inference_steps': Invalid value for option '--num_inference_steps': '1:30' is not an int
                    lazy_loading: yes          | 'lazy_loading': Invalid value for option '--lazy_loading': 'yes' is not a boolean, expected true or false
                    num_inference_step: 4      | 'num_inference_step': is not an option of 'sample'; did you mean 'num_inference_steps'?
                    prompt: {a: b}             | 'prompt': must be a single value, found a map
                    prompt: [a, b]             | 'prompt': must be a single value, found a list
                    edit_image: {a: b}         | 'edit_image': must be a single value, found a map
                    edit_image: [a, [b]]       | 'edit_image': must be a single value, found a list
                    edit_image: [a, ~]         | 'edit_image': has no value
                    """)
    void aValueOfAnotherKindIsRefusedWithItsLine(String content, String expected) throws IOException {
        CommandLineRun run = run("run.yaml", "# first\n\n" + content);

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("stencil: " + folder.resolve("run.yaml") + ":3: " + expected);
    }

    @Test
    void aLeadingZeroDoesNotMakeANumberOctal() throws IOException {
        CommandLineRun run = run("run.yaml", "num_inference_steps: 010\ntemplate_inputs: {steps: 010, mode: 0o10}");

        assertThat(run.err()).isEmpty();
        assertThat(run.sample().steps).isEqualTo(10);
        assertThat(run.sample().templateInputs).isEqualTo("{\"steps\":10,\"mode\":8}");
    }

    @Test
    void whatIsInsideAMapHasTheTypesOfYaml12() throws IOException {
        CommandLineRun run = run("run.yaml", """
                template_inputs:
                  - {a: yes, b: 1_000, c: 1:30, d: True, e: ~, f: 0x1F, g: -7, h: .5, i: "010", j: !!str 10, k: 2001-02-03}
                """);

        assertThat(run.err()).isEmpty();
        assertThat(run.sample().templateInputs)
                .isEqualTo("[{\"a\":\"yes\",\"b\":\"1_000\",\"c\":\"1:30\",\"d\":true,\"e\":null,\"f\":31,\"g\":-7,"
                        + "\"h\":0.5,\"i\":\"010\",\"j\":\"10\",\"k\":\"2001-02-03\"}]");
    }

    static Stream<Arguments> wrongYaml() {
        return Stream.of(
                arguments("prompt: a\nedit_image:\n\t- b", ":3: is not valid YAML: a tab cannot begin a value"),
                arguments("prompt: a\n\tlazy_loading: true", ":2: is not valid YAML: a tab cannot begin a value"),
                arguments("prompt: a\n---\nprompt: b", ":2: is not valid YAML: but found another document"),
                arguments("prompt: a\n- b", ":2: is not valid YAML: "),
                arguments(
                        "lazy_loading: true\nprompt: a\nprompt: b", ":3: is not valid YAML: the key 'prompt' is there"),
                arguments("template_inputs:\n  a: 1\n  a: 2", ":3: is not valid YAML: the key 'a' is there twice"),
                arguments("prompt: a\n[b, c]: d", ":2: a key must be a string, found a list"),
                arguments("prompt: *unknown", ":1: is not valid YAML: found undefined alias unknown"),
                arguments("a: 1\ntemplate_inputs: &x [*x]", ":2: an alias stands for a value that contains it"),
                arguments("prompt: a\n<<: {b: c}", ":2: merge keys (<<) are not supported"),
                arguments("a: 1\nprompt: !date x", ":2: the tag '!date' is not supported"),
                arguments(
                        "a: 1\ntemplate_inputs: !python/object {a: 1}",
                        ":2: the tag '!python/object' is not supported"),
                arguments("prompt: \u001b[31m", ": is not valid YAML: "));
    }

    @ParameterizedTest
    @MethodSource
    void wrongYaml(String content, String expected) throws IOException {
        CommandLineRun run = run("run.yaml", content);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("stencil: " + folder.resolve("run.yaml") + expected);
    }

    @Test
    void aliasesOfAliasesDoNotFillTheMemory() throws IOException {
        StringBuilder text = new StringBuilder("template_inputs:\n  l0: &l0 [x, x]\n");
        for (int level = 1; level <= 25; level++) {
            text.append("  l%s: &l%s [*l%s, *l%s]%n".formatted(level, level, level - 1, level - 1));
        }
        CommandLineRun run = run("run.yaml", text.toString());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("holds more than 100000 values, aliases included");
    }

    @ParameterizedTest
    @ValueSource(strings = {"run.yaml", "run.json"})
    void aByteOrderMarkIsPassedOver(String name) throws IOException {
        assertThat(run(name, "\uFEFF{\"prompt\": \"a leaf\"}").sample().prompt).isEqualTo("a leaf");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {"prompt": "a"                | :1: is not valid JSON: Unexpected end-of-input: expected close marker for Object (start marker at line 1)
                    {"prompt": [1, 2}             | :1: is not valid JSON: Unexpected close marker '}': expected ']' (for Array starting at line 1)
                    {"learning_rate": NaN}        | :1: is not valid JSON: NaN is not a JSON number; expected a finite number
                    """)
    void theParsersOwnWordsAreNotPassedOn(String content, String expected) throws IOException {
        assertThat(run("run.json", content).err())
                .isEqualTo("stencil: " + folder.resolve("run.json") + expected + "\n");
    }

    @Test
    void theLineOfJsonIsToldToo() throws IOException {
        assertThat(run("run.json", "{\n\n\"num_inference_steps\": \"many\"}").err())
                .startsWith("stencil: " + folder.resolve("run.json") + ":3: 'num_inference_steps': Invalid value");
    }

    @Test
    void theArgumentsOfARunAreOptionsWithoutTheWishToResume() throws IOException {
        CommandLineRun run = run("training_args.json", """
                {"stencil_version": "0.1.0",
                 "options": {"prompt": "a leaf", "resume": "runs/1", "model_paths": [["s1", "s2"]], "lazy_loading": true}}
                """);

        assertThat(run.err()).isEmpty();
        assertThat(run.sample().prompt).isEqualTo("a leaf");
        assertThat(run.sample().modelPaths).isEqualTo("[[\"s1\",\"s2\"]]");
        assertThat(run.sample().lazyLoading).isTrue();
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
