package io.stencil.train.events;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Writes `events.jsonl` ([RunFolder#EVENTS]): one JSON object a line for each event of a run, in the file when the
/// event is over.
///
/// Each has a `type` (`start`, `step`, `validation`, `samples`, `checkpoint`, `warning`, `end`) and the `step` after
/// which it happened. Numbers that are not finite are null, and paths are relative to the run's folder.
public final class EventLog implements TrainingListener, AutoCloseable {

    private final RunFolder folder;
    private final Path file;
    private final Consumer<ObjectNode> view;
    private final AppendedFile log;
    private long step;

    /// Starts a log, or goes on with the one in this folder. Events after the state from which the run resumes are cut
    /// off, and a last line that is torn.
    ///
    /// @param doneSteps of the run so far
    /// @param view receives the earlier events that stay, and each new one
    /// @throws InvalidFileException when it cannot be written
    public EventLog(RunFolder folder, long doneSteps, Consumer<ObjectNode> view) {
        this.folder = folder;
        this.file = folder.folder().resolve(RunFolder.EVENTS);
        this.view = view;
        this.step = doneSteps;
        try {
            AtomicFile.write(file, to -> {
                Writer text = Channels.newWriter(to, StandardCharsets.UTF_8);
                if (doneSteps > 0 && Files.exists(file)) {
                    copy(doneSteps, text);
                }
                text.flush();
            });
            log = new AppendedFile(file, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// Copies the events up to a step one by one: a long run has more than memory should hold.
    private void copy(long doneSteps, Writer to) throws IOException {
        try (BufferedReader lines = lines(file)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Optional<ObjectNode> event =
                        event(line).filter(earlier -> earlier.path("step").asLong() <= doneSteps);
                if (event.isPresent()) {
                    to.append(event.get().toString()).append('\n');
                    view.accept(event.get());
                }
            }
        }
    }

    /// Opens a log whose last line may be torn, also within a character.
    private static BufferedReader lines(Path file) throws IOException {
        return new BufferedReader(new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8));
    }

    /// Reads the events of a run, also while it goes on. Lines that are not whole are passed over.
    ///
    /// @return in their order; none without a log
    /// @throws InvalidFileException when it cannot be read
    public static List<ObjectNode> read(RunFolder folder) {
        Path file = folder.folder().resolve(RunFolder.EVENTS);
        if (Files.notExists(file)) {
            return List.of();
        }
        try (BufferedReader lines = lines(file)) {
            return lines.lines().flatMap(line -> event(line).stream()).toList();
        } catch (IOException | UncheckedIOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    private static Optional<ObjectNode> event(String line) {
        try {
            return Json.MAPPER.readTree(line) instanceof ObjectNode event && event.has("type") && event.has("step")
                    ? Optional.of(event)
                    : Optional.empty();
        } catch (JsonProcessingException _) { // torn by the end of its process
            return Optional.empty();
        }
    }

    @Override
    public void onStart(TrainingStart start) {
        ObjectNode event = event("start", start.doneSteps());
        event.put("steps", start.steps());
        event.put("rows", start.rows());
        event.put("batch_size", start.batchSize());
        event.put("trainable_parameters", start.trainableParameters());
        event.put("seed", start.seed());
        event.put("time", Instant.now().toString());
        write(event);
    }

    @Override
    public void onStep(StepReport report) {
        step = report.step();
        ObjectNode event = event("step", step);
        event.put("epoch", report.epoch());
        event.put("loss", finite(report.loss()));
        event.put("learning_rate", report.learningRate());
        event.put("seconds", millis(report.seconds()));
        write(event);
    }

    @Override
    public void onValidation(ValidationReport report) {
        write(event(report));
    }

    /// Makes the event of a validation.
    public static ObjectNode event(ValidationReport report) {
        ObjectNode event = event("validation", report.step());
        event.put("rows", report.rows());
        event.put("loss", finite(report.weights().mean()));
        bands(event.putArray("bands"), report.weights());
        if (report.average() != null) {
            event.put("average_loss", finite(report.average().mean()));
            bands(event.putArray("average_bands"), report.average());
        }
        if (report.gain() != null) {
            event.set("template_gain", interval(report.gain().template()));
            if (report.gain().input() != null) {
                event.set("steering_gain", interval(report.gain().input()));
            }
            event.put("finding", report.gain().inWords());
        }
        event.put("best_step", report.bestStep());
        event.put("best_loss", finite(report.bestLoss()));
        event.put("seconds", millis(report.seconds()));
        return event;
    }

    private static void bands(ArrayNode json, ValidationLoss loss) {
        loss.bands().forEach(band -> json.add(finite(band)));
    }

    private static ObjectNode interval(Interval interval) {
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.put("mean", finite(interval.mean()));
        json.put("low", finite(interval.low()));
        json.put("high", finite(interval.high()));
        return json;
    }

    @Override
    public void onSamples(SamplesReport report) {
        ObjectNode event = event("samples", report.step());
        event.put("folder", relative(report.folder()));
        if (report.sheet() != null) {
            event.put("sheet", relative(report.sheet()));
        }
        ArrayNode images = event.putArray("images");
        report.images()
                .forEach(image -> images.addObject()
                        .put("name", image.name())
                        .put("file", relative(image.file()))
                        .put("caption", image.caption()));
        event.put("seconds", millis(report.seconds()));
        write(event);
    }

    @Override
    public void onCheckpoint(Path checkpoint, long savedStep) {
        write(event("checkpoint", savedStep).put("file", relative(checkpoint)));
        log.force(); // the state follows, from which the events go on
    }

    @Override
    public void onWarning(String message) {
        write(event("warning", step).put("message", message));
    }

    @Override
    public void onEnd(RunEnd end) {
        ObjectNode event = event("end", end.step());
        event.put("reason", end.reason().name().toLowerCase(Locale.ROOT));
        event.put("seconds", millis(end.seconds()));
        if (!end.message().isEmpty()) {
            event.put("message", end.message());
        }
        event.put("time", Instant.now().toString());
        write(event);
    }

    private static ObjectNode event(String type, long step) {
        return Json.MAPPER.createObjectNode().put("type", type).put("step", step);
    }

    private static @Nullable Double finite(double number) {
        return Double.isFinite(number) ? number : null;
    }

    private static double millis(double seconds) {
        return Math.round(seconds * 1000) / 1000.0;
    }

    /// With slashes, as in a URL.
    private String relative(Path path) {
        Path relative = folder.folder().toAbsolutePath().relativize(path.toAbsolutePath());
        return String.join(
                "/",
                IntStream.range(0, relative.getNameCount())
                        .mapToObj(i -> relative.getName(i).toString())
                        .toList());
    }

    private void write(ObjectNode event) {
        log.append((event + "\n").getBytes(StandardCharsets.UTF_8));
        view.accept(event);
    }

    private InvalidFileException unwritable(IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }

    @Override
    public void close() {
        log.close();
    }
}
