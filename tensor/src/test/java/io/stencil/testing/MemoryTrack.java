package io.stencil.testing;

import java.util.ArrayList;
import java.util.List;

/// Resident memory over a long piece of repeated work: what is in use after a first part, when pools and compiled code
/// have grown up, against what is in use at the end.
///
/// An allocator's level swings by some megabytes from one repetition to the next, so that both are medians over a
/// number of readings.
public final class MemoryTrack {

    private final int settledAfter;
    private final List<Long> readings = new ArrayList<>();

    /// @param settledAfter number of repetitions in the first part
    public MemoryTrack(int settledAfter) {
        this.settledAfter = settledAfter;
    }

    /// Takes a reading; one call after each repetition.
    public void repetitionDone() {
        readings.add(ResidentMemory.bytes());
    }

    /// Growth after the first part, as a share of what was in use then: 0.02 is 2 %.
    public double growth() {
        int window = settledAfter / 2;
        if (readings.size() < settledAfter + 2 * window) {
            throw new IllegalStateException("only %s repetitions were done".formatted(readings.size()));
        }
        double settled = median(readings.subList(settledAfter, settledAfter + window));
        double last = median(readings.subList(readings.size() - window, readings.size()));
        return (last - settled) / settled;
    }

    private static double median(List<Long> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }
}
