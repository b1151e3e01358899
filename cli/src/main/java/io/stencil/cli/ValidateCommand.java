package io.stencil.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.cli.models.BaseModelOptions;
import io.stencil.cli.models.BaseModelOptions.BaseModel;
import io.stencil.cli.models.HubModels;
import io.stencil.cli.models.HubOptions;
import io.stencil.cli.models.WeightOptions;
import io.stencil.cli.options.DatasetOptions;
import io.stencil.cli.options.TrainingOptions;
import io.stencil.cli.terminal.ProgressLine;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.safetensors.SafetensorsHeader;
import io.stencil.train.Validator;
import io.stencil.train.events.EventLog;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `stencil validate`: measures a checkpoint on held-out rows, as the run that wrote it does.
@Command(
        name = "validate",
        description = {
            "Measure a checkpoint on held-out rows: its loss, and whether a Template uses its input.",
            "Options that are not given are those of the run that it lies in. All of 'stencil train' are known."
        },
        modelTransformer = TrainingOptions.MeasurementModel.class)
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class ValidateCommand implements Callable<Integer> {

    private static final List<String> BANDS = List.of("most noise", "much noise", "little noise", "least noise");

    @Parameters(
            paramLabel = "CHECKPOINT|RUN",
            description = "A checkpoint, or the folder of a run: its best.safetensors, or else its newest checkpoint.")
    private Path checkpoint;

    @Mixin
    private BaseModelOptions base;

    @Mixin
    private WeightOptions weights;

    @Mixin
    private HubOptions hub;

    @Spec
    private CommandSpec command;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        PrintWriter err = command.commandLine().getErr();
        Path file = Files.isDirectory(checkpoint) ? newest(checkpoint) : checkpoint;
        if (!Files.isRegularFile(file)) {
            throw new InvalidFileException(file, "no such file; name a checkpoint or the folder of a run");
        }
        Path output = new TrainingOptions(command).report();
        if (output != null) {
            OutputCheck.requireFile("output_path", output, ".json");
        }
        TrainOptions options = options(file);
        try (ProgressLine line = ProgressLine.on(err)) {
            ValidationReport report = Validator.measure(options, new TrainingListener() {
                @Override
                public void onStage(Stage stage, int done, int total) {
                    line.show("measured %s of %s".formatted(done, total));
                }

                @Override
                public void onWarning(String message) {
                    line.end();
                    err.println("stencil: warning: " + message);
                }
            });
            line.end();
            lines(file, report).forEach(out::println);
            out.flush();
            if (output != null) {
                write(output, file, report);
            }
            return 0;
        }
    }

    /// Writes the report with the names of the events of a run.
    private static void write(Path output, Path checkpoint, ValidationReport report) {
        ObjectNode event = EventLog.event(report);
        event.remove(List.of("type", "best_step", "best_loss"));
        ObjectNode json = Json.MAPPER.createObjectNode().put("checkpoint", checkpoint.toString());
        event.properties().forEach(field -> json.set(field.getKey(), field.getValue()));
        try {
            AtomicFile.writeText(output, json.toPrettyString() + "\n");
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(output), "cannot be written: " + e, e);
        }
    }

    /// Validates options and local files before fetching.
    private TrainOptions options(Path file) {
        TrainingOptions training = new TrainingOptions(command);
        DatasetOptions dataset = new DatasetOptions(command);
        Path metadata = dataset.metadata(training.task());
        training.checkLocal();
        var _ = base.checkLocal();
        try (HubModels remote = hub.open()) {
            BaseModel model = base.resolve(remote);
            TrainOptions.Builder options = TrainOptions.builder(
                    model.files(),
                    dataset.folder(metadata),
                    metadata,
                    Objects.requireNonNull(file.toAbsolutePath().getParent()));
            training.applyTo(options);
            options.load(weights.apply(base.load(), model));
            training.applyModels(options, remote);
            return options.resumeFrom(file).build();
        }
    }

    /// The best checkpoint of a run, or else the newest.
    private static Path newest(Path run) {
        List<Path> found = new ArrayList<>();
        for (Path folder : List.of(run, run.resolve("checkpoints"))) {
            found.addAll(checkpoints(folder));
        }
        return found.stream()
                .filter(path -> path.endsWith("best.safetensors"))
                .findFirst()
                .or(() -> found.stream().max(Comparator.comparingLong(ValidateCommand::step)))
                .orElseThrow(() -> new InvalidRequestException(
                        "CHECKPOINT", "'%s' holds no checkpoint; name one, or the folder of a run".formatted(run)));
    }

    private static List<Path> checkpoints(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(path -> path.toString().endsWith(".safetensors")
                            && !path.toString().matches(".*\\.(raw|lora)\\.safetensors"))
                    .toList();
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be listed: " + e, e);
        }
    }

    private static long step(Path file) {
        String step = SafetensorsHeader.read(file).metadata().getOrDefault("step", "");
        return step.matches("\\d{1,18}") ? Long.parseLong(step) : -1;
    }

    private static List<String> lines(Path file, ValidationReport report) {
        List<String> lines = new ArrayList<>();
        lines.add("%s: step %s, %s rows".formatted(file, report.step(), report.rows()));
        lines.add(number("loss", report.weights().mean()));
        for (int band = 0; band < report.weights().bands().size(); band++) {
            lines.add(number("  " + BANDS.get(band), report.weights().bands().get(band)));
        }
        SteeringGain gain = report.gain();
        if (gain != null) {
            lines.add("steering gain, with 95 % interval");
            lines.add(interval("  Template", gain.template(), "loss without the Template minus the loss with it"));
            lines.add(interval(
                    "  input", gain.input(), "loss with the inputs of other rows minus the loss with the right ones"));
            lines.add(gain.inWords());
        }
        return lines;
    }

    private static String number(String name, double value) {
        return String.format(Locale.ROOT, "%-14s %.6f", name, value);
    }

    private static String interval(String name, @Nullable Interval interval, String meaning) {
        return interval == null
                ? String.format(Locale.ROOT, "%-14s not measured", name)
                : String.format(
                        Locale.ROOT,
                        "%-14s %.6f [%.6f, %.6f]  %s",
                        name,
                        interval.mean(),
                        interval.low(),
                        interval.high(),
                        meaning);
    }
}
