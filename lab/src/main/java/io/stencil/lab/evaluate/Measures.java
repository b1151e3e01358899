package io.stencil.lab.evaluate;

import io.stencil.error.InvalidRequestException;
import io.stencil.lab.evaluate.Finding.Metric;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.Measure.Effort;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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

    private static final Pattern INPUT = Pattern.compile("(.+)\\.([^.]+)");

    private Measures() {}

    /// Names of all measurements, in their order.
    public static List<String> names() {
        return ALL.stream().<String>map(Measure::name).toList();
    }

    /// Finds measurements by their names.
    ///
    /// @param names names of measurements; none for all. `TEMPLATE.INPUT` sweeps a number of any Template, whose other
    ///     inputs have defaults
    /// @throws InvalidRequestException for a name that none has
    public static List<Measure<?>> named(List<String> names) {
        if (names.isEmpty()) {
            return ALL;
        }
        List<String> known = names();
        List<Measure<?>> chosen = new ArrayList<>();
        for (String name : names) {
            int at = known.indexOf(name);
            Matcher input = INPUT.matcher(name);
            if (at >= 0) {
                chosen.add(ALL.get(at));
            } else if (input.matches()) {
                requireFolderName(input.group(1));
                chosen.add(ValueMeasures.input(input.group(1), input.group(2)));
            } else {
                throw new InvalidRequestException(
                        "NAME",
                        "'%s' is not a measurement; there are %s, and TEMPLATE.INPUT for a number of any Template"
                                .formatted(name, String.join(", ", known)));
            }
        }
        return chosen;
    }

    /// Refuses a Template's name that leads out of the folder of Templates.
    private static void requireFolderName(String name) {
        if (name.contains("/") || name.contains("\\") || name.equals(".") || name.equals("..")) {
            throw new InvalidRequestException(
                    "NAME",
                    "'%s' is not the name of a Template but a path; name its folder by --template NAME=DIR"
                            .formatted(name));
        }
    }

    /// Runs measurements one after another.
    ///
    /// @param guidance of all measurements; null for the value that suits each
    /// @param listener receives each finding as soon as it is there
    public static List<Finding> run(
            List<Measure<?>> measures,
            PipelinePainter painter,
            Effort effort,
            @Nullable Double guidance,
            Consumer<Finding> listener) {
        List<Finding> findings = new ArrayList<>();
        for (Measure<?> measure : measures) {
            long start = System.nanoTime();
            int before = painter.painted();
            double scale = guidance == null ? measure.guidance() : guidance;
            painter.guide(scale);
            Measure.Outcome outcome = measure.run(painter, effort);
            List<Metric> metrics = new ArrayList<>(outcome.metrics());
            metrics.add(new Metric("guidance", scale, new Target.None()));
            Finding finding = new Finding(
                    measure.name(),
                    metrics,
                    painter.painted() - before,
                    (System.nanoTime() - start) / 1e9,
                    outcome.rows());
            findings.add(finding);
            listener.accept(finding);
        }
        return findings;
    }
}
