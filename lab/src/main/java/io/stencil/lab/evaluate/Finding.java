package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.util.List;
import java.util.stream.DoubleStream;

/// Holds the result of one measurement.
///
/// @param measure name
/// @param images number of images painted, of all seeds
/// @param rows of images for people to look at, of the first seed
public record Finding(String measure, List<Metric> metrics, int images, double seconds, List<ImageRow> rows) {

    public Finding {
        metrics = List.copyOf(metrics);
        rows = List.copyOf(rows);
    }

    public boolean holds() {
        return metrics.stream().allMatch(Metric::holds);
    }

    /// Holds a number that was measured with one seed or more.
    ///
    /// @param name for people
    /// @param values of the seeds, in their order; NaN where no image counts
    public record Metric(String name, List<Double> values, Target target) {

        public Metric {
            values = List.copyOf(values);
        }

        Metric(String name, double value, Target target) {
            this(name, List.of(value), target);
        }

        /// The value of the worst seed. Without a target, the mean over the seeds.
        public double value() {
            return target.worst(values.stream().mapToDouble(Double::doubleValue).toArray());
        }

        public boolean holds() {
            return target.holds(value());
        }

        /// Joins the values of one metric with several seeds.
        static Metric joined(List<Metric> seeds) {
            Metric first = seeds.getFirst();
            return new Metric(
                    first.name(),
                    seeds.stream().flatMap(metric -> metric.values().stream()).toList(),
                    first.target());
        }
    }

    /// The bound of a metric.
    public sealed interface Target {

        record AtLeast(double least) implements Target {}

        record AtMost(double most) implements Target {}

        /// Less than: the bound itself is a miss.
        record Below(double bound) implements Target {}

        /// More than: the bound itself is a miss.
        record Above(double bound) implements Target {}

        /// No bound: the metric is reported.
        record None() implements Target {}

        /// Whether a value meets it; NaN meets nothing but [None].
        default boolean holds(double value) {
            return switch (this) {
                case AtLeast(double least) -> value >= least;
                case AtMost(double most) -> value <= most;
                case Below(double bound) -> value < bound;
                case Above(double bound) -> value > bound;
                case None _ -> true;
            };
        }

        /// The value farthest from the target; NaN if one of them is NaN. Without a target, the mean.
        default double worst(double... values) {
            DoubleStream all = DoubleStream.of(values);
            return switch (this) {
                case AtLeast _, Above _ -> all.reduce(Math::min).orElse(Double.NaN);
                case AtMost _, Below _ -> all.reduce(Math::max).orElse(Double.NaN);
                case None _ -> all.average().orElse(Double.NaN);
            };
        }

        /// `>= 0.95`, or nothing.
        default String text() {
            return switch (this) {
                case AtLeast(double least) -> ">= " + least;
                case AtMost(double most) -> "<= " + most;
                case Below(double bound) -> "< " + bound;
                case Above(double bound) -> "> " + bound;
                case None _ -> "";
            };
        }
    }

    /// Shows images side by side.
    public record ImageRow(String heading, List<Labelled> images) {

        public record Labelled(String label, RgbImage image) {}

        public ImageRow {
            images = List.copyOf(images);
        }
    }
}
