package io.stencil.lab.evaluate;

import io.stencil.error.InvalidRequestException;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.Measure.Effort;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// All measurements.
public final class Measures {

    public static final List<Measure<?>> ALL = List.of(
            ValueMeasures.base(),
            ValueMeasures.brightness(),
            ValueMeasures.softRgb(),
            ValueMeasures.sharpness(),
            ImageMeasures.control(),
            ImageMeasures.edit(),
            ImageMeasures.upscale(),
            ImageMeasures.inpaint(),
            ValueMeasures.styles(),
            ImageMeasures.palette(),
            ValueMeasures.count(),
            ValueMeasures.frame(),
            ImageMeasures.brightnessAndControl(),
            ImageMeasures.softRgbAndInpaint());

    private Measures() {}

    /// Names of all measurements, in their order.
    public static List<String> names() {
        return ALL.stream().<String>map(Measure::name).toList();
    }

    /// Finds measurements by their names.
    ///
    /// @param names names of measurements; none for all
    /// @throws InvalidRequestException for a name that none has
    public static List<Measure<?>> named(List<String> names) {
        if (names.isEmpty()) {
            return ALL;
        }
        List<String> known = names();
        List<Measure<?>> chosen = new ArrayList<>();
        for (String name : names) {
            int at = known.indexOf(name);
            if (at < 0) {
                throw new InvalidRequestException(
                        "NAME",
                        "'%s' is not a measurement; there are %s; to measure a Template of your own, add --input NAME=MIN..MAX"
                                .formatted(name, String.join(", ", known)));
            }
            chosen.add(ALL.get(at));
        }
        return chosen;
    }

    /// Runs measurements one after another, each with all seeds.
    ///
    /// @param efforts one a seed, at least one
    /// @param guidance of all measurements; null for the value that suits each
    /// @param listener receives each finding as soon as it is there
    public static List<Finding> run(
            List<Measure<?>> measures,
            PipelinePainter painter,
            List<Effort> efforts,
            @Nullable Double guidance,
            Consumer<Finding> listener) {
        List<Finding> findings = new ArrayList<>();
        for (Measure<?> measure : measures) {
            long start = System.nanoTime();
            int before = painter.painted();
            double scale = guidance == null ? measure.guidance() : guidance;
            painter.guide(scale);
            List<Measure.Outcome> outcomes =
                    efforts.stream().map(effort -> measure.run(painter, effort)).toList();
            Measure.Outcome first = outcomes.getFirst();
            List<Metric> metrics = new ArrayList<>();
            for (int i = 0; i < first.metrics().size(); i++) {
                int at = i;
                metrics.add(Metric.joined(outcomes.stream()
                        .map(outcome -> outcome.metrics().get(at))
                        .toList()));
            }
            metrics.add(new Metric("guidance", scale, new Target.None()));
            Finding finding = new Finding(
                    measure.name(),
                    metrics,
                    painter.painted() - before,
                    (System.nanoTime() - start) / 1e9,
                    first.rows());
            findings.add(finding);
            listener.accept(finding);
        }
        return findings;
    }
}
