package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.json.Json;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.testing.ShortPrompts;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.events.TrainingListener.RunEnd;
import io.stencil.train.events.TrainingListener.RunEnd.Reason;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.TrainOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/// The commands at the end of a training work as they stand.
class TrainingReportTest {

    @TempDir
    Path folder;

    /// @return the last lines of the report
    private List<String> lines(@Nullable String inputs, String... checkpoints) throws IOException {
        return lines(inputs, List.of("--model_paths=base", "--height=64", "--width=48"), checkpoints);
    }

    private List<String> lines(@Nullable String inputs, List<String> words, String... checkpoints) throws IOException {
        TrainOptions options = TrainOptions.builder(
                        ModelFiles.in(ShortPrompts.model()), folder, folder.resolve("metadata.jsonl"), folder)
                .template(Path.of("my template"))
                .trainable(List.of("template_model"))
                .extraInputs(Set.of(ExtraInput.TEMPLATE_INPUTS))
                .maxSteps(1)
                .build();
        StringWriter err = new StringWriter();
        CommandLine command = new CommandLine(new TrainCommand());
        command.setErr(new PrintWriter(err)).setOut(new PrintWriter(new StringWriter()));
        command.parseArgs(words.toArray(String[]::new));
        DatasetRow row = new DatasetRow(
                folder.resolve("0.png"),
                "it's red",
                List.of(),
                inputs == null ? null : (ObjectNode) Json.MAPPER.readTree(inputs),
                1,
                null,
                Location.of(folder));
        try (ProgressLine line = ProgressLine.on(new PrintWriter(err))) {
            TrainingReport report = new TrainingReport(options, command.getCommandSpec(), line);
            report.onStart(new TrainingStart(1, 1, 1, 1, 1, 0, 1, row, new ImageSize(96, 80)));
            report.onStep(new StepReport(1, 1, 0, 0.5, 1e-4, 1));
            for (String checkpoint : checkpoints) {
                report.onCheckpoint(folder.resolve("checkpoints").resolve(checkpoint), 1);
            }
            report.onEnd(new RunEnd(Reason.DONE, 1, 1, ""));
        }
        List<String> all = err.toString().lines().toList();
        return all.subList(all.size() - 3, all.size());
    }

    /// A row names its files relative to the dataset.
    @Test
    void filesOfTheDatasetAreFoundFromTheWorkingDirectory() throws IOException {
        Files.createFile(folder.resolve("0.png"));

        assertThat(lines(
                        "{\"image\": \"0.png\", \"scale\": [0.5]}",
                        "a.raw.safetensors",
                        "a.safetensors",
                        "a.lora.safetensors"))
                .containsExactly(
                        "package the Template, then generate with it:",
                        "./stencil package --template_model_id_or_path 'my template' --checkpoint "
                                + "%1$s/checkpoints/a.safetensors --output_path %1$s/template --model_paths base --height 64 --width 48"
                                        .formatted(folder)
                                + " --template_inputs '{\"image\":\"%s/0.png\",\"scale\":[0.5]}'".formatted(folder),
                        "./stencil generate --template_model_id_or_path %1$s/template --model_paths base --height 64 --width 48"
                                        .formatted(folder)
                                + " --template_inputs '{\"image\":\"%s/0.png\",\"scale\":[0.5]}'".formatted(folder)
                                + " --prompt 'it'\\''s red' --output %s/image.png".formatted(folder));
    }

    /// Without a size among the options images have that of the samples, the dataset's, and not the default of the
    /// commands.
    @Test
    void theSizeIsThatOfTheTraining() throws IOException {
        assertThat(lines("{\"scale\": 0.5}", List.of("--model_paths=base"), "a.safetensors")
                        .subList(1, 3))
                .allMatch(line -> line.contains(" --model_paths base --height 80 --width 96 --template_inputs "));
    }

    @Test
    void inputsThatADataProcessorMadeAreLeftToTheUser() throws IOException {
        assertThat(lines(null, "a.safetensors"))
                .contains(
                        "package the Template, then generate with it; add --template_inputs to both, with the fields of its Input:")
                .noneMatch(line -> line.contains("--template_inputs '"));
    }
}
