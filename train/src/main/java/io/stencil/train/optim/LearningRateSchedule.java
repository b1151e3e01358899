package io.stencil.train.optim;

import io.stencil.error.InvalidRequestException;

/// How the learning rate goes with the updates.
public enum LearningRateSchedule {
    /// A third of the rate for the first five updates, then all of it: what PyTorch's `ConstantLR` does by default,
    /// which the reference implementation trains with.
    CONSTANT("constant"),
    /// The same rate throughout.
    NONE("none");

    private static final int WARM_UP_UPDATES = 5;
    private static final double WARM_UP_FACTOR = 1.0 / 3;

    private final String option;

    LearningRateSchedule(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// @throws InvalidRequestException for a name that is no schedule
    public static LearningRateSchedule parse(String text) {
        for (LearningRateSchedule schedule : values()) {
            if (schedule.option.equals(text)) {
                return schedule;
            }
        }
        throw new InvalidRequestException("lr_scheduler", "expected constant or none, found '%s'".formatted(text));
    }

    /// @param update from 0
    public double rate(double learningRate, long update) {
        return switch (this) {
            case CONSTANT -> update < WARM_UP_UPDATES ? learningRate * WARM_UP_FACTOR : learningRate;
            case NONE -> learningRate;
        };
    }
}
