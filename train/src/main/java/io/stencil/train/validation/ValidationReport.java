package io.stencil.train.validation;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Reports a validation: losses on held-out rows, with noise and timesteps that are the same each time.
///
/// @param step after which it was done; 0 before the first
/// @param rows that were measured
/// @param weights losses of the trained weights
/// @param average losses of their average, or null without one
/// @param gain of the Template, in its average where there is one; null without a Template
/// @param bestStep the validation with the lowest loss so far, this one included
/// @param bestLoss its loss, of the average where there is one
/// @param seconds that this validation took
public record ValidationReport(
        long step,
        int rows,
        ValidationLoss weights,
        @Nullable ValidationLoss average,
        @Nullable SteeringGain gain,
        long bestStep,
        double bestLoss,
        double seconds) {

    /// Whether no earlier validation has a loss as low.
    public boolean isBest() {
        return step == bestStep;
    }

    /// The loss of what a checkpoint holds: of the average where there is one.
    public double loss() {
        return average == null ? weights.mean() : average.mean();
    }

    /// Holds the loss on held-out rows.
    ///
    /// @param mean over rows and timesteps
    /// @param bands means of four equal parts of the timesteps that the run draws from, the noisiest first
    public record ValidationLoss(double mean, List<Double> bands) {

        public ValidationLoss {
            bands = List.copyOf(bands);
        }

        /// Takes the means of losses.
        ///
        /// @param losses of each row in each band
        public static ValidationLoss of(double[][] losses) {
            List<Double> bands = IntStream.range(0, losses[0].length)
                    .mapToObj(band -> average(Arrays.stream(losses).mapToDouble(row -> row[band])))
                    .toList();
            return new ValidationLoss(average(bands.stream().mapToDouble(Double::doubleValue)), bands);
        }
    }

    /// Measures whether a Template helps and whether it reads its input, each as the mean over rows of a difference of
    /// two losses with the same noise.
    ///
    /// @param template loss without the Template minus the loss with it
    /// @param input loss with the inputs of other rows minus the loss with the right ones; null where all rows have
    ///     the same inputs
    /// @param rows rows with inputs of others that differ from their own: those that `input` is the mean of
    /// @param heldOut all rows that were measured
    public record SteeringGain(Interval template, @Nullable Interval input, int rows, int heldOut) {

        /// Number of rows from which on a gain that does not show is small.
        private static final int MANY = 100;

        /// Compares the losses of the same rows in three ways.
        ///
        /// @param right of each row in each band, with its own inputs
        /// @param without without the Template
        /// @param other with the inputs of another row; NaN for rows that have none
        public static SteeringGain of(double[][] right, double[][] without, double[][] other) {
            double[] read = IntStream.range(0, other.length)
                    .filter(row -> !Double.isNaN(other[row][0]) || Double.isNaN(right[row][0]))
                    .mapToDouble(row -> difference(other[row], right[row]))
                    .toArray();
            double[] helped = IntStream.range(0, right.length)
                    .mapToDouble(row -> difference(without[row], right[row]))
                    .toArray();
            return new SteeringGain(
                    Interval.of(helped), read.length == 0 ? null : Interval.of(read), read.length, right.length);
        }

        private static double difference(double[] more, double[] less) {
            return average(Arrays.stream(more)) - average(Arrays.stream(less));
        }

        /// States in one sentence whether the Template uses its input. A mean above 0 whose interval includes 0 is an
        /// open question with few rows.
        public String inWords() {
            if (heldOut < 2 || rows == 1) {
                return "%s, too few to measure whether the Template uses its input: hold out more"
                        .formatted(
                                heldOut < 2
                                        ? "one row is held out"
                                        : "one of %s held-out rows has inputs of another".formatted(heldOut));
            }
            if (input == null) {
                return ("all %s held-out rows have the same inputs: whether the Template uses its input cannot be measured;"
                                + " hold out rows with different ones")
                        .formatted(heldOut);
            }
            if (input.isPositive()) {
                return "the Template uses its input";
            }
            if (input.high() < 0) {
                return "the Template does worse with the right inputs than with those of other rows";
            }
            return rows < MANY && input.mean() > (input.high() - input.mean()) / 2
                    ? "%s rows do not show whether the Template uses its input: hold out more".formatted(rows)
                    : "the Template does not use its input yet";
        }
    }

    /// Holds a mean with its 95 % interval, by Student's t distribution (Student 1908, Biometrika 6:1).
    ///
    /// @param low minus infinity for a mean of one value
    /// @param high infinity for a mean of one value
    public record Interval(double mean, double low, double high) {

        /// Quantiles 0.975 for 1 to 9 degrees of freedom.
        private static final double[] SMALL = {
            12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157
        };

        /// Quantile 0.975 of the normal distribution.
        private static final double Z = 1.959963984540054;

        /// @param values at least one
        public static Interval of(double... values) {
            double mean = average(Arrays.stream(values));
            int free = values.length - 1;
            double squares = Arrays.stream(values)
                    .map(value -> (value - mean) * (value - mean))
                    .sum();
            double half =
                    free == 0 ? Double.POSITIVE_INFINITY : quantile(free) * Math.sqrt(squares / free / values.length);
            return new Interval(mean, mean - half, mean + half);
        }

        /// Quantile 0.975 of the t distribution, from 10 degrees of freedom on by the expansion 26.7.5 of Abramowitz
        /// and Stegun 1964, exact to 1e-5.
        static double quantile(int free) {
            if (free <= SMALL.length) {
                return SMALL[free - 1];
            }
            double z2 = Z * Z;
            double first = Z * (z2 + 1) / 4;
            double second = Z * ((5 * z2 + 16) * z2 + 3) / 96;
            double third = Z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
            double fourth = Z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
            double n = free;
            return Z + (first + (second + (third + fourth / n) / n) / n) / n;
        }

        /// Whether the whole interval is above 0.
        public boolean isPositive() {
            return low > 0;
        }

        /// Such as `0.0123 [0.0100, 0.0146]`.
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.4g [%.4g, %.4g]", mean, low, high);
        }
    }

    /// Adds in order, so that the sum is the same everywhere.
    private static double average(DoubleStream values) {
        double[] all = values.toArray();
        double sum = 0;
        for (double value : all) {
            sum += value;
        }
        return sum / all.length;
    }
}
