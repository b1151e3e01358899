package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import java.util.List;

/// Holds the result of one measurement.
///
/// @param measure name
/// @param images number of images painted
/// @param rows of images for people to look at
public record Finding(String measure, List<Metric> metrics, int images, double seconds, List<ImageRow> rows) {

    public Finding {
        metrics = List.copyOf(metrics);
        rows = List.copyOf(rows);
    }

    public boolean holds() {
        return metrics.stream().allMatch(Metric::holds);
    }

    /// Holds one measured number.
    ///
    /// @param name for people
    public record Metric(String name, double value, Target target) {
        public boolean holds() {
            return target.holds(value);
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
