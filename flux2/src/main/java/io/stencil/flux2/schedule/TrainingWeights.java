package io.stencil.flux2.schedule;

import io.stencil.error.InvalidRequestException;
import java.util.Objects;
import java.util.stream.IntStream;

/// How much the loss of each step counts in training: a bell around the middle of the way, zero at its ends, one on
/// average.
public final class TrainingWeights {

    private static final double MIDDLE = 500;
    private static final double WIDTH = 1000;

    private final double[] weights;

    private TrainingWeights(double[] weights) {
        this.weights = weights;
    }

    /// `y = exp(-2 ((t - 500) / 1000)^2)` of every timestep t, less the smallest y, scaled to a mean of one.
    ///
    /// @throws InvalidRequestException for a schedule whose weights would all be zero: one of a single step
    public static TrainingWeights of(FlowMatchSchedule schedule) {
        double[] bell = IntStream.range(0, schedule.steps())
                .mapToDouble(i -> Math.exp(-2 * Math.pow((schedule.timestep(i) - MIDDLE) / WIDTH, 2)))
                .toArray();
        double lowest =
                IntStream.range(0, bell.length).mapToDouble(i -> bell[i]).min().orElseThrow();
        double mean = IntStream.range(0, bell.length)
                .mapToDouble(i -> bell[i] - lowest)
                .average()
                .orElseThrow();
        if (mean == 0) {
            throw new InvalidRequestException("schedule", "%s steps have no weights".formatted(bell.length));
        }
        return new TrainingWeights(IntStream.range(0, bell.length)
                .mapToDouble(i -> (bell[i] - lowest) / mean)
                .toArray());
    }

    /// @param index of the step, from 0
    public double weight(int index) {
        return weights[Objects.checkIndex(index, weights.length)];
    }
}
