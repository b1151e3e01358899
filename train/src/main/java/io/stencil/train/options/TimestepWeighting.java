package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;

/// How much a timestep's error counts in the loss; the timesteps are drawn evenly from the schedule in any case.
public enum TimestepWeighting {
    /// By a bell around the middle of the way, as the reference implementation trains.
    BELL("bell"),
    /// All alike: what a base model learns from nothing with.
    NONE("none");

    private final String option;

    TimestepWeighting(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// @throws InvalidRequestException for a name that is no weighting
    public static TimestepWeighting parse(String text) {
        for (TimestepWeighting weighting : values()) {
            if (weighting.option.equals(text)) {
                return weighting;
            }
        }
        throw new InvalidRequestException("timestep_weighting", "expected bell or none, found '%s'".formatted(text));
    }
}
