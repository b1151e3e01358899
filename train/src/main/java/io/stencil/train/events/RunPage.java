package io.stencil.train.events;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.files.AtomicFile;
import io.stencil.json.Json;
import io.stencil.template.Warnings;
import io.stencil.train.checkpoint.RunFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Writes the page of a run, `index.html` ([RunFolder#PAGE]), which holds all its data but the sample images and renews
/// itself while the run lasts.
///
/// A browser that opened it from the disk cannot read other files, so the page is written as a whole, at most every two
/// seconds and for at most a fiftieth of the time. Its size is bounded, whatever the number of steps.
final class RunPage implements Consumer<ObjectNode> {

    private static final long AT_MOST_EVERY = Duration.ofSeconds(2).toNanos();
    private static final int COST = 50;
    private static final int VALIDATIONS = 400;
    private static final int SAMPLES = 24;
    private static final int LINES = 50;

    private final RunFolder folder;
    private final ObjectNode about;
    private final ProgressText progress;
    private final LongSupplier clock;
    private final Warnings warnings;
    private final Curve curve = new Curve();
    private final List<ObjectNode> validations = new ArrayList<>();
    private final List<ObjectNode> samples = new ArrayList<>();
    private final List<ObjectNode> checkpoints = new ArrayList<>();
    private final List<ObjectNode> warned = new ArrayList<>();
    private final List<Long> resumed = new ArrayList<>();
    private @Nullable ObjectNode start;
    private @Nullable ObjectNode end;
    private long step;
    private int epoch;
    private double seconds;
    private boolean live;
    private boolean failed;
    private long due;

    /// @param about content of `training_args.json`
    /// @param progress of the run, which has each event before this object
    /// @param clock nanoseconds
    RunPage(RunFolder folder, ObjectNode about, ProgressText progress, LongSupplier clock, Warnings warnings) {
        this.folder = folder;
        this.about = about;
        this.progress = progress;
        this.clock = clock;
        this.warnings = warnings;
    }

    /// Begins to write the page: events so far were earlier ones.
    void begin() {
        live = true;
    }

    @Override
    public void accept(ObjectNode event) {
        String type = event.path("type").asText();
        switch (type) {
            case "start" -> {
                if (event.path("step").asLong() > 0) {
                    resumed.add(event.path("step").asLong());
                }
                start = event;
                end = null;
            }
            case "step" -> {
                step = event.path("step").asLong();
                epoch = event.path("epoch").asInt();
                seconds = event.path("seconds").asDouble();
                curve.add(
                        step,
                        event.path("loss").asDouble(),
                        event.path("learning_rate").asDouble());
            }
            case "validation" -> validations.add(event);
            case "samples" -> samples.add(event);
            case "checkpoint" -> checkpoints.add(event);
            case "warning" -> warned.add(event);
            case "end" -> {
                end = event;
                seconds = event.path("seconds").asDouble();
            }
            default -> {} // of a later version
        }
        if (live && !failed && (type.equals("start") || type.equals("end") || clock.getAsLong() >= due)) {
            write();
        }
    }

    /// A page that cannot be written costs no work: events and checkpoints say themselves where the disk is full.
    private void write() {
        long began = clock.getAsLong();
        try {
            AtomicFile.writeText(folder.folder().resolve(RunFolder.PAGE), html());
        } catch (IOException | RuntimeException e) { // also a path of another system in the options
            failed = true;
            warnings.warn("the page %s cannot be written any more: %s"
                    .formatted(folder.folder().resolve(RunFolder.PAGE), e));
        }
        long now = clock.getAsLong();
        due = now + Math.max(AT_MOST_EVERY, COST * (now - began));
    }

    private String html() throws IOException {
        try (InputStream resource = RunPage.class.getResourceAsStream("run.html")) {
            String page =
                    new String(Objects.requireNonNull(resource, "run.html").readAllBytes(), StandardCharsets.UTF_8);
            return page.replace("@DATA@", data().toString().replace("<", "\\u003c")); // no end of the element
        }
    }

    private ObjectNode data() {
        ObjectNode data = about.deepCopy();
        JsonNode options = about.path("options");
        putName(data, "template", options.path("template_model_id_or_path"));
        putName(data, "base", options.path("model_paths").path(0));
        data.set("trained", options.path("trainable_models"));
        data.put(
                "name",
                String.valueOf(folder.folder().toAbsolutePath().normalize().getFileName()));
        data.put("written", System.currentTimeMillis());
        ObjectNode begun = Objects.requireNonNullElse(start, Json.MAPPER.createObjectNode());
        data.put("steps", begun.path("steps").asLong());
        data.put("rows", begun.path("rows").asLong());
        data.put("parameters", begun.path("trainable_parameters").asLong());
        data.put("seed", begun.path("seed").asLong());
        data.put("running", end == null);
        if (end != null) {
            data.set("reason", end.path("reason"));
            data.set("message", end.path("message"));
        }
        data.put("step", step);
        data.put("epoch", epoch);
        data.put("seconds", seconds);
        data.put("speed", progress.speed());
        data.put("left", progress.left());
        data.put("mean", Double.isNaN(progress.meanLoss()) ? null : progress.meanLoss());
        resumed.forEach(data.putArray("resumed")::add);
        data.put("curve_width", curve.width);
        curve.write(data.putArray("curve"));
        data.putArray("validations").addAll(some(validations, VALIDATIONS));
        data.put("sample_count", samples.size());
        data.putArray("samples").addAll(some(samples, SAMPLES));
        data.putArray("warnings").addAll(last(warned.stream()));
        data.putArray("checkpoints").addAll(last(checkpoints.stream().filter(this::isThere)));
        return data;
    }

    private static void putName(ObjectNode data, String field, JsonNode path) {
        JsonNode first = path.isArray() ? path.path(0) : path;
        if (first.isTextual()) {
            data.put(field, String.valueOf(Path.of(first.asText()).getFileName()));
        }
    }

    private boolean isThere(ObjectNode checkpoint) {
        return Files.exists(folder.folder().resolve(checkpoint.path("file").asText()));
    }

    private static List<ObjectNode> last(Stream<ObjectNode> events) {
        List<ObjectNode> all = events.toList();
        return all.subList(Math.max(0, all.size() - LINES), all.size());
    }

    /// Evenly chosen, with the first and the last.
    private static List<ObjectNode> some(List<ObjectNode> all, int most) {
        return all.size() <= most
                ? all
                : IntStream.range(0, most)
                        .mapToObj(i -> all.get(Math.toIntExact(Math.round(i * (all.size() - 1.0) / (most - 1)))))
                        .toList();
    }

    /// Summarises the losses of groups of steps. The groups get larger as the run gets longer, so that there are never
    /// more than a thousand.
    private static final class Curve {

        private static final int MOST = 1000;

        private List<Group> groups = new ArrayList<>();
        private long width = 1;

        private record Group(long last, int count, double sum, double least, double greatest, double rate) {
            Group with(Group next) {
                return new Group(
                        next.last,
                        count + next.count,
                        sum + next.sum,
                        Math.min(least, next.least),
                        Math.max(greatest, next.greatest),
                        next.rate);
            }
        }

        void add(long step, double loss, double rate) {
            add(groups, new Group(step, 1, loss, loss, loss, rate));
            if (groups.size() > MOST) {
                width *= 2;
                List<Group> wider = new ArrayList<>();
                groups.forEach(group -> add(wider, group));
                groups = wider;
            }
        }

        private void add(List<Group> to, Group group) {
            if (!to.isEmpty() && (to.getLast().last - 1) / width == (group.last - 1) / width) {
                to.set(to.size() - 1, to.getLast().with(group));
            } else {
                to.add(group);
            }
        }

        /// Last step, mean, least and greatest loss, and learning rate of each group.
        void write(ArrayNode array) {
            for (Group group : groups) {
                array.addArray()
                        .add(group.last)
                        .add(rounded(group.sum / group.count))
                        .add(rounded(group.least))
                        .add(rounded(group.greatest))
                        .add(group.rate);
            }
        }

        private static float rounded(double loss) {
            return (float) loss;
        }
    }
}
