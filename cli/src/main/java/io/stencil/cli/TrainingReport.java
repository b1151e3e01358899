package io.stencil.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.image.ImageSize;
import io.stencil.template.TemplateInput;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.events.ProgressText;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.ValidationReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// Reports a training on the terminal: its start, one line of progress, each written file, and a summary at the end.
final class TrainingReport implements TrainingListener {

    /// Options of the training that other commands take too.
    private static final List<String> COMMON = List.of(
            "model_paths", "model_id_with_origin_paths", "tokenizer_path", "dtype", "device", "height", "width");

    private final TrainOptions options;
    private final CommandSpec command;
    private final ProgressLine line;
    private final PrintWriter out;
    private final PrintWriter err;
    private final ProgressText progress = new ProgressText();
    private @Nullable ValidationReport best;
    private @Nullable ValidationReport latest;
    private @Nullable Path checkpoint;
    private @Nullable DatasetRow example;
    private @Nullable ImageSize exampleSize;

    /// @param command of the training, whose base model the summary names
    TrainingReport(TrainOptions options, CommandSpec command, ProgressLine line) {
        this.options = options;
        this.command = command;
        this.line = line;
        this.out = command.commandLine().getOut();
        this.err = command.commandLine().getErr();
    }

    @Override
    public void onStart(TrainingStart start) {
        line.end();
        err.println(String.format(
                Locale.ROOT,
                "training %,d parameters in %s tensors on %s rows for %s steps, seed %s",
                start.trainableParameters(),
                start.trainableTensors(),
                start.rows(),
                start.steps(),
                start.seed()));
        if (start.doneSteps() > 0) {
            err.println("going on after step " + start.doneSteps());
        }
        progress.onStart(start);
        example = start.example();
        exampleSize = start.exampleSize();
    }

    @Override
    public void onStep(StepReport report) {
        line.show(progress.after(report));
    }

    @Override
    public void onStage(Stage stage, int done, int total) {
        line.show(progress.during(stage, done, total));
    }

    @Override
    public void onValidation(ValidationReport report) {
        progress.onValidation(report);
        latest = report;
        if (report.isBest() || best == null) {
            best = report;
        }
        line.end();
        err.println(String.format(
                Locale.ROOT,
                "validation after step %s: loss %.4f%s%s",
                report.step(),
                report.loss(),
                report.isBest() ? ", the best so far" : "",
                report.gain() == null ? "" : "; " + gain(report.gain())));
    }

    private static String gain(ValidationReport.SteeringGain gain) {
        return (gain.input() == null ? "" : "steering gain %s: ".formatted(gain.input())) + gain.inWords();
    }

    @Override
    public void onSamples(SamplesReport report) {
        progress.onSamples(report);
        line.end();
        err.println("samples after step %s: %s".formatted(report.step(), report.folder()));
    }

    @Override
    public void onCheckpoint(Path file, long step) {
        progress.onCheckpoint(file, step);
        if (!file.toString().endsWith(".raw.safetensors") && !file.toString().endsWith(".lora.safetensors")) {
            checkpoint = file;
        }
        line.end();
        out.println("wrote " + file);
        out.flush();
    }

    @Override
    public void onFailure(Path folder, long savedSteps) {
        line.end();
        err.println("saved the state after step %s; fix the cause of the failure, then go on by --resume %s"
                .formatted(savedSteps, folder));
    }

    @Override
    public void onWarning(String message) {
        line.end();
        err.println("stencil: warning: " + message);
    }

    @Override
    public void onEnd(RunEnd end) {
        line.end();
        if (end.reason() == RunEnd.Reason.FAILED || Double.isNaN(progress.meanLoss())) {
            return;
        }
        err.println(String.format(
                Locale.ROOT,
                "%s %s steps in %s, mean loss %.4f",
                end.reason() == RunEnd.Reason.EARLY_STOP ? "ended early, nothing improved: trained" : "trained",
                end.step(),
                ProgressLine.time(Duration.ofSeconds(Math.round(end.seconds()))),
                progress.meanLoss()));
        if (best != null && latest != null) {
            err.println(String.format(
                    Locale.ROOT,
                    "best validation loss %.4f after step %s%s",
                    latest.bestLoss(),
                    latest.bestStep(),
                    best.gain() == null ? "" : "; " + gain(best.gain())));
        }
        err.println("the run: " + options.output().folder().resolve(RunFolder.PAGE));
        commands().forEach(err::println);
    }

    /// Commands that use the Template just trained; none without one.
    private List<String> commands() {
        Path template = options.models().template();
        if (template == null || checkpoint == null || example == null) {
            return List.of();
        }
        List<String> base = new ArrayList<>();
        for (String name : COMMON) {
            OptionSpec option = command.findOption("--" + name);
            List<String> given = option.stringValues();
            if (!given.isEmpty()) {
                base.add("--" + name);
                base.add(String.join(",", given));
            }
        }
        if (exampleSize != null && !base.contains("--height") && !base.contains("--width")) {
            base.addAll(List.of("--height", String.valueOf(exampleSize.height())));
            base.addAll(List.of("--width", String.valueOf(exampleSize.width())));
        }
        Path trained = options.output().folder().resolve("template");
        ObjectNode row = example.templateInputs();
        List<String> inputs = row == null
                ? List.of()
                : List.of(
                        "--template_inputs",
                        TemplateInput.located(row, options.data().basePath()).toString());
        List<String> packaging = new ArrayList<>(
                List.of("./stencil", "package", "--template_model_id_or_path", template.toString(), "--checkpoint"));
        packaging.addAll(List.of(checkpoint.toString(), "--output_path", trained.toString()));
        packaging.addAll(base);
        packaging.addAll(inputs);
        List<String> generating =
                new ArrayList<>(List.of("./stencil", "generate", "--template_model_id_or_path", trained.toString()));
        generating.addAll(base);
        generating.addAll(inputs);
        generating.addAll(List.of("--prompt", example.prompt(), "--output"));
        generating.add(options.output().folder().resolve("image.png").toString());
        String heading = "package the Template, then generate with it";
        return List.of(
                row == null
                        ? heading + "; add --template_inputs to both, with the fields of its Input:"
                        : heading + ":",
                shell(packaging),
                shell(generating));
    }

    /// A line for a POSIX shell.
    private static String shell(List<String> words) {
        return words.stream()
                .map(word -> word.matches("[A-Za-z0-9_./:,=+-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
    }
}
