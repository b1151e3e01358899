package io.stencil.train.events;

import io.stencil.train.validation.ValidationReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Formats the progress of a training run in one short line, for a terminal or a log.
///
/// ```text
/// step 120/2000  loss 0.0712 (mean 0.0844)  1.9 steps/s  15.2 images/s  16:29 left
/// ```
/// The mean forgets: a loss counts half as much some 34 steps later. The speed is that of recent steps, without the
/// first, which pays for loading and warming up, and without those that validation, samples or checkpoints interrupted;
/// its unit stays the same throughout. The time left counts those interruptions too, by their own length and number.
public final class ProgressText implements TrainingListener {

    private static final double KEPT = 0.98;
    private static final int RECENT = 255;

    /// How many times the median a step may take and still count: longer ones are hiccups of the machine.
    private static final double OUTLIER = 3;

    private final Deque<Double> recent = new ArrayDeque<>();
    private final Map<Stage, Pauses> pauses = new EnumMap<>(Stage.class);
    private final Map<Stage, Double> interruption = new EnumMap<>(Stage.class);
    private double weightedSum;
    private double weight;
    private @Nullable StepReport latest;
    private int batchSize = 1;
    private long begin;
    private double stepSeconds;
    private @Nullable Boolean stepsASecond;

    @Override
    public void onStart(TrainingStart start) {
        batchSize = start.batchSize();
        begin = start.doneSteps();
        interruption.clear();
    }

    @Override
    public void onStep(StepReport report) {
        weightedSum = KEPT * weightedSum + report.loss();
        weight = KEPT * weight + 1;
        if (latest != null) {
            time(report.seconds() - latest.seconds(), report.step() - 1);
        }
        interruption.clear();
        latest = report;
    }

    /// Takes in how long a step took, and what came before it.
    private void time(double seconds, long before) {
        if (interruption.isEmpty()) {
            recent.addLast(seconds);
            if (recent.size() > RECENT) {
                recent.removeFirst();
            }
            stepSeconds = typical();
            if (stepsASecond == null) {
                stepsASecond = stepSeconds < 1;
            }
            return;
        }
        double known =
                interruption.values().stream().mapToDouble(Double::doubleValue).sum();
        interruption.computeIfPresent(Stage.SAVING, (_, _) -> Math.max(0, seconds - stepSeconds - known));
        interruption.forEach((stage, took) ->
                pauses.computeIfAbsent(stage, _ -> new Pauses()).add(before, took));
    }

    private double typical() {
        double[] sorted =
                recent.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double most = OUTLIER * sorted[sorted.length / 2];
        return Arrays.stream(sorted).filter(one -> one <= most).average().orElse(0);
    }

    @Override
    public void onValidation(ValidationReport report) {
        interruption.merge(Stage.VALIDATION, report.seconds(), Double::sum);
    }

    @Override
    public void onSamples(SamplesReport report) {
        interruption.merge(Stage.SAMPLES, report.seconds(), Double::sum);
    }

    @Override
    public void onCheckpoint(Path file, long step) {
        interruption.put(Stage.SAVING, 0.0); // what remains of the pause
    }

    /// Counts the interruptions of one kind.
    private final class Pauses {
        private int count;
        private long first;
        private long last;
        private double sum;

        void add(long step, double seconds) {
            first = count == 0 ? step : first;
            last = step;
            count++;
            sum += seconds;
        }

        /// Seconds of these interruptions for each step.
        double aStep() {
            double interval = count > 1 ? (last - first) / (count - 1.0) : last - begin;
            return interval > 0 ? sum / count / interval : 0;
        }
    }

    /// Returns the line after a step. Every step must be passed, in order, here or as an event.
    public String after(StepReport report) {
        onStep(report);
        return line();
    }

    /// The line after the last step.
    public String line() {
        return recent.isEmpty() ? head() : head() + "  " + speed() + "  " + left() + " left";
    }

    private String head() {
        return latest == null
                ? ""
                : String.format(
                        Locale.ROOT,
                        "step %s/%s  loss %.4f (mean %.4f)",
                        latest.step(),
                        latest.steps(),
                        latest.loss(),
                        meanLoss());
    }

    /// The line while a stage goes on, such as `step 500/2000  loss 0.0712 (mean 0.0844)  validation 12/40`.
    ///
    /// @param done parts of the stage
    /// @param total parts of the stage; 0 where they are not counted
    public String during(Stage stage, int done, int total) {
        String name = stage.name().toLowerCase(Locale.ROOT);
        return (latest == null ? "" : head() + "  ") + (total == 0 ? name : "%s %s/%s".formatted(name, done, total));
    }

    /// The mean loss of recent steps; NaN before the first.
    public double meanLoss() {
        return weightedSum / weight;
    }

    /// Such as `1.9 steps/s  15.2 images/s`; null before it is known.
    public @Nullable String speed() {
        if (recent.isEmpty() || stepsASecond == null) {
            return null;
        }
        double rate = 1 / Math.max(stepSeconds, 1e-6);
        String steps = stepsASecond
                ? String.format(Locale.ROOT, rate < 0.95 ? "%.2f steps/s" : "%.1f steps/s", rate)
                : String.format(Locale.ROOT, stepSeconds < 0.95 ? "%.2f s/step" : "%.1f s/step", stepSeconds);
        return batchSize == 1 ? steps : steps + String.format(Locale.ROOT, "  %.1f images/s", batchSize * rate);
    }

    /// The time left, such as `16:29`; null before it is known.
    public @Nullable String left() {
        if (recent.isEmpty() || latest == null) {
            return null;
        }
        double aStep = stepSeconds
                + pauses.values().stream().mapToDouble(Pauses::aStep).sum();
        return time(aStep * (latest.steps() - latest.step()));
    }

    /// Formats seconds as `1:05` or `2:03:10`.
    private static String time(double seconds) {
        Duration time = Duration.ofSeconds(Math.round(seconds));
        return time.toHours() == 0
                ? String.format(Locale.ROOT, "%s:%02d", time.toMinutes(), time.toSecondsPart())
                : String.format(
                        Locale.ROOT, "%s:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }
}
