package io.stencil.train.optim;

import io.stencil.error.InvalidRequestException;

/// How the learning rate goes with the updates; [RatePlan] tells each one's.
public enum LearningRateSchedule {
    /// Without a warm-up of one's own: a third of the rate for the first five updates, then all of it. That is what
    /// PyTorch's `ConstantLR` does by default, which the reference implementation trains with.
    CONSTANT("constant"),
    /// Falls along half a cosine to zero at the end of the training (Loshchilov and Hutter 2016, arXiv:1608.03983).
    COSINE("cosine"),
    /// The same rate throughout.
    NONE("none");

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
        throw new InvalidRequestException(
                "lr_scheduler", "expected constant, cosine or none, found '%s'".formatted(text));
    }
}
