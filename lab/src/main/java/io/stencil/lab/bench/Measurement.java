package io.stencil.lab.bench;

import io.stencil.error.InvalidRequestException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a work took.
///
/// @param work name
/// @param seconds of each repeat, without the first run
/// @param operations floating-point operations of one run; a multiplication and its addition are two
/// @param peakBytes the most physical memory that its process used at once; null where the system does not tell
public record Measurement(
        String work,
        List<Double> seconds,
        double operations,
        @Nullable Long peakBytes) {

    public Measurement {
        seconds = List.copyOf(seconds);
        if (seconds.isEmpty()) {
            throw new InvalidRequestException("seconds", "must hold one repeat or more, found none");
        }
    }

    /// The middle one; of an even number the mean of the two in the middle.
    public double median() {
        List<Double> sorted = seconds.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    public double fastest() {
        return seconds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    public double slowest() {
        return seconds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /// Operations a second, of the median.
    public double speed() {
        return operations / median();
    }
}
