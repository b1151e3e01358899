package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.options.PicocliOptions;
import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TrustedCode;
import io.stencil.testing.TestFiles;
import io.stencil.train.checkpoint.RunOptions.ResumeCheck;
import io.stencil.train.options.OptionSchema;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.TrainingOption;
import io.stencil.train.options.TrainingOption.OnResume;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// An option that one annotated record component declares, beside all options of training, is known everywhere.
class OneDeclarationTest {

    record MoreOptions(
            @TrainingOption(
                    name = "noise_offset",
                    help = "Shift the noise of each channel.",
                    docs = "shifts the noise of each channel, in standard deviations",
                    byDefault = "0.05")
            double noiseOffset,

            @TrainingOption(
                    name = "log_every",
                    help = "Steps between lines of the log.",
                    unset = "every step",
                    onResume = OnResume.FREE)
            @Nullable
            Integer logEvery) {}

    record Extended(TrainOptions training, MoreOptions more) {}

    private static final OptionSchema<Extended> SCHEMA = OptionSchema.of(Extended.class);

    @Command(name = "learn", description = "Takes options.", modelTransformer = Learn.Model.class)
    static final class Learn implements Callable<Integer> {

        static final class Model implements IModelTransformer {
            @Override
            public CommandSpec transform(CommandSpec command) {
                PicocliOptions.add(command, SCHEMA);
                return command;
            }
        }

        @Spec
        @Nullable
        CommandSpec command;

        @Nullable
        Extended options;

        @Override
        public Integer call() {
            Map<String, Object> values = PicocliOptions.values(Objects.requireNonNull(command), SCHEMA);
            values.put("base", new ModelFiles(List.of(), null));
            values.put("load", LoadOptions.DEFAULT);
            values.put("trustedCode", TrustedCode.OWN);
            values.put("resume", false);
            options = SCHEMA.build(values);
            return 0;
        }
    }

    private static final String[] WORDS = {
        "learn",
        "--trainable_models=dit",
        "--dataset_base_path=data",
        "--dataset_metadata_path=data/m.jsonl",
        "--output_path=out"
    };

    @TempDir
    private Path folder;

    private final Learn learn = new Learn();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... words) {
        CommandLine root = StencilCommand.commandLine()
                .addSubcommand(new CommandLine(learn))
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        return StencilCommand.run(root, words);
    }

    private Extended options(String... more) {
        int code = run(Stream.of(WORDS, more).flatMap(Stream::of).toArray(String[]::new));
        assertThat(err.toString()).isEmpty();
        assertThat(code).isZero();
        return Objects.requireNonNull(learn.options);
    }

    private String config(String name, String text) throws IOException {
        return "--config=" + Files.writeString(folder.resolve(name), text);
    }

    @Test
    void theHelpShowsIt() {
        assertThat(run("learn", "--help")).isZero();
        assertThat(out.toString().replaceAll("\\s+", " "))
                .contains("--noise_offset=N Shift the noise of each channel. Default: 0.05.")
                .contains("--log_every=N Steps between lines of the log. Default: every step.");
    }

    @Test
    void theCommandLineTakesItInBothSpellings() {
        assertThat(options().more()).isEqualTo(new MoreOptions(0.05, null));
        assertThat(options("--noise_offset=0.1", "--log-every", "3").more()).isEqualTo(new MoreOptions(0.1, 3));
        assertThat(options("--noise-offset=0.2").more().noiseOffset()).isEqualTo(0.2);
    }

    @Test
    void filesOfOptionsTakeIt() throws IOException {
        assertThat(options(config("a.yaml", "noise_offset: 0.3\nlog-every: 4")).more())
                .isEqualTo(new MoreOptions(0.3, 4));
        assertThat(options(config("a.json", "{\"noise-offset\": 0.4}")).more()).isEqualTo(new MoreOptions(0.4, null));
        assertThat(run("learn", "--trainable_models=dit", config("b.yaml", "\nnoise_offset: loud")))
                .isEqualTo(2);
        assertThat(err.toString())
                .startsWith("stencil: " + folder.resolve("b.yaml") + ":2: 'noise_offset': Invalid value for option"
                        + " '--noise_offset': 'loud' is not a double");
    }

    /// All of them come back from the JSON of a run.
    @Test
    void theJsonOfARunHoldsItAndIsAFileOfOptions() throws IOException {
        Extended options = options(
                "--noise_offset=0.1",
                "--log_every=3",
                "--kl_weight=3e-5",
                "--activation_memory=2GiB",
                "--lr_scheduler=cosine",
                "--caption_dropout=0.25",
                "--dataset_shuffle=false",
                "--save_dtype=bfloat16",
                "--extra_inputs=edit_image",
                "--remove_prefix_in_ckpt=pipe.dit.",
                "--enable_csv_log");
        ObjectNode json = SCHEMA.json(options, Task.SFT);
        assertThat(json.path("noise_offset")).isEqualTo(JsonNodeFactory.instance.numberNode(0.1));
        assertThat(json.path("log_every")).isEqualTo(JsonNodeFactory.instance.numberNode(3));
        assertThat(json.path("activation_memory").asLong()).isEqualTo(2L << 30);
        assertThat(json.has("kl_weight")).isFalse(); // which only --task vae has

        ObjectNode file = JsonNodeFactory.instance.objectNode().put("stencil_version", "0.1.0");
        file.set("options", json);
        assertThat(run("learn", config("training_args.json", file.toString()))).isZero();
        assertThat(SCHEMA.json(Objects.requireNonNull(learn.options), Task.SFT)).isEqualTo(json);
    }

    @Test
    void aResumedRunKeepsItUnlessItIsFree() {
        ResumeCheck check = new ResumeCheck(SCHEMA);
        ObjectNode begun = SCHEMA.json(options(), Task.SFT);
        ObjectNode other = SCHEMA.json(options("--noise_offset=0.1"), Task.SFT);
        ObjectNode free = SCHEMA.json(options("--log_every=3"), Task.SFT);
        Path run = Path.of("runs/a");

        assertThatCode(() -> check.requireSame(free, begun, run)).doesNotThrowAnyException();
        assertThatThrownBy(() -> check.requireSame(other, begun, run))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'noise_offset': is 0.1, but the run in 'runs/a' began with 0.05; give the same, or train "
                        + "anew into another folder");
    }

    /// A run of an earlier version goes on with an option that it did not know, at the default.
    @Test
    void anOptionThatIsNewerThanTheRunHasItsDefault() {
        ResumeCheck check = new ResumeCheck(SCHEMA);
        ObjectNode begun = SCHEMA.json(options(), Task.SFT).without("noise_offset");
        Path run = Path.of("runs/a");

        assertThatCode(() -> check.requireSame(SCHEMA.json(options(), Task.SFT), begun, run))
                .doesNotThrowAnyException();
        JsonNode other = SCHEMA.json(options("--noise_offset=0.1"), Task.SFT);
        assertThatThrownBy(() -> check.requireSame((ObjectNode) other, begun, run))
                .hasMessageStartingWith("'noise_offset': is 0.1, but the run in 'runs/a' began with not given");
    }

    @Test
    void theTableOfTheDocumentationHasIt() {
        assertThat(OptionTable.rows(SCHEMA))
                .contains(
                        "| `--noise_offset` | 0.05 | shifts the noise of each channel, in standard deviations |",
                        "| `--log_every` | every step | Steps between lines of the log. |");
    }

    @Test
    void theDocumentationHasTheTableOfAllOptions() throws IOException {
        List<String> expected = OptionTable.rows(TrainOptions.SCHEMA);
        List<String> names = TrainOptions.SCHEMA.options().stream()
                .map(option -> "| `--" + option.name() + "` |")
                .toList();
        assertThat(Files.readAllLines(TestFiles.root().resolve("docs/training.md")))
                .filteredOn(line -> names.stream().anyMatch(line::startsWith))
                .containsExactlyElementsOf(expected);
    }

    @Test
    void anUnknownNameIsRefused() {
        assertThatThrownBy(() -> SCHEMA.build(Map.of("noise_ofset", 0.1)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'noise_ofset': is no training option");
    }

    @Test
    void aValueOfAnotherTypeIsRefused() {
        assertThatThrownBy(() -> OptionSchema.of(MoreOptions.class).build(Map.of("noise_offset", "much")))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'noise_offset': must be of type Double, found String 'much'");
    }
}
