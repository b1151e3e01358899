package io.stencil.train.events;

import io.stencil.train.events.TrainingListener.StepReport;
import java.time.Duration;
import java.util.Locale;

/// Formats the progress of a training run in one short line, for a terminal or a log.
///
/// ```text
/// step 120/2000  loss 0.0712 (mean 0.0844)  1.9 steps/s  16:29 left
/// ```
/// The mean forgets: a loss counts half as much some 34 steps later. The speed leaves out the first step, which
/// pays for loading and warming up.
public final class ProgressText {

    private static final double KEPT = 0.98;

    private double weightedSum;
    private double weight;
    private double firstSeconds;

    /// Returns the line after a step. Every step must be passed, in order.
    public String after(StepReport report) {
        weightedSum = KEPT * weightedSum + report.loss();
        weight = KEPT * weight + 1;
        String head = String.format(
                Locale.ROOT,
                "step %s/%s  loss %.4f (mean %.4f)",
                report.step(),
                report.steps(),
                report.loss(),
                weightedSum / weight);
        if (report.step() == 1) {
            firstSeconds = report.seconds();
            return head;
        }
        double secondsPerStep = (report.seconds() - firstSeconds) / (report.step() - 1);
        long left = Math.round(secondsPerStep * (report.steps() - report.step()));
        return head + "  " + speed(secondsPerStep) + "  " + time(Duration.ofSeconds(left)) + " left";
    }

    private static String speed(double secondsPerStep) {
        return secondsPerStep < 1
                ? String.format(Locale.ROOT, "%.1f steps/s", 1 / Math.max(secondsPerStep, 1e-6))
                : String.format(Locale.ROOT, "%.1f s/step", secondsPerStep);
    }

    private static String time(Duration time) {
        return time.toHours() == 0
                ? String.format(Locale.ROOT, "%s:%02d", time.toMinutes(), time.toSecondsPart())
                : String.format(
                        Locale.ROOT, "%s:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }
}
