package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Measure.Column;
import io.stencil.lab.evaluate.Measure.Subject;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Statistics;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// The images of a measurement, and statistics of them. Statistics are NaN where no image counts.
final class Trials<S> {

    /// The images of one subject.
    record Trial<S>(Subject<S> subject, Map<Column<S>, RgbImage> images) {

        S content() {
            return subject.content();
        }

        RgbImage image(Column<S> column) {
            return Objects.requireNonNull(images.get(column));
        }

        /// The first image of a group.
        RgbImage image(String group) {
            return images(group).getFirst();
        }

        /// The values of a sweep.
        double[] sweep(String group) {
            return images.keySet().stream()
                    .filter(column -> column.group().equals(group))
                    .mapToDouble(Column::value)
                    .toArray();
        }

        double[] measured(String group, ToDoubleFunction<RgbImage> measurement) {
            return images(group).stream().mapToDouble(measurement).toArray();
        }

        List<RgbImage> images(String group) {
            return images.entrySet().stream()
                    .filter(entry -> entry.getKey().group().equals(group))
                    .map(Map.Entry::getValue)
                    .toList();
        }
    }

    private final List<Trial<S>> trials;
    private final IdentityHashMap<RgbImage, Judge.Verdict> verdicts = new IdentityHashMap<>();

    Trials(List<Trial<S>> trials) {
        this.trials = trials;
    }

    /// Judges an image, once.
    Judge.Verdict verdict(RgbImage image) {
        return verdicts.computeIfAbsent(image, Judge::look);
    }

    double[] values(ToDoubleFunction<Trial<S>> value) {
        return trials.stream().mapToDouble(value).toArray();
    }

    double mean(ToDoubleFunction<Trial<S>> value) {
        return mean(_ -> true, value);
    }

    /// The mean over those trials that are `among`.
    double mean(Predicate<Trial<S>> among, ToDoubleFunction<Trial<S>> value) {
        return mean(trials.stream().filter(among).mapToDouble(value));
    }

    /// The mean over trials of the mean over a group.
    double mean(String group, ToDoubleBiFunction<S, RgbImage> value) {
        return mean(trial ->
                mean(trial.images(group).stream().mapToDouble(image -> value.applyAsDouble(trial.content(), image))));
    }

    /// The share of the trials.
    double share(Predicate<Trial<S>> right) {
        return share(_ -> true, right);
    }

    /// The share of those trials that are `among`.
    double share(Predicate<Trial<S>> among, Predicate<Trial<S>> right) {
        return mean(among, trial -> right.test(trial) ? 1 : 0);
    }

    /// Spearman's correlation of the value of a sweep and a measurement, over all images.
    double spearman(String group, ToDoubleFunction<RgbImage> measurement) {
        return Statistics.spearman(
                joined(trial -> trial.sweep(group)), joined(trial -> trial.measured(group, measurement)));
    }

    private double[] joined(Function<Trial<S>, double[]> values) {
        return trials.stream().map(values).flatMapToDouble(DoubleStream::of).toArray();
    }

    /// The mean over trials of the correlation within the trial.
    double within(
            String group, ToDoubleBiFunction<double[], double[]> correlation, ToDoubleFunction<RgbImage> measurement) {
        return mean(trial -> correlation.applyAsDouble(trial.sweep(group), trial.measured(group, measurement)));
    }

    /// The mean measurement at one value of a sweep.
    ///
    /// @param at index of the value
    double meanAt(String group, int at, ToDoubleFunction<RgbImage> measurement) {
        return mean(trial -> measurement.applyAsDouble(trial.images(group).get(at)));
    }

    /// The least rise of the mean measurement from one value of a sweep to the next.
    double leastStep(String group, ToDoubleFunction<RgbImage> measurement) {
        double[] means = IntStream.range(0, trials.getFirst().sweep(group).length)
                .mapToDouble(at -> meanAt(group, at, measurement))
                .toArray();
        return IntStream.range(1, means.length)
                .mapToDouble(at -> means[at] - means[at - 1])
                .min()
                .orElse(Double.NaN);
    }

    private static double mean(DoubleStream values) {
        return values.average().orElse(Double.NaN);
    }
}
