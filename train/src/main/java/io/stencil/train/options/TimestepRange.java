package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;

/// The part of the training schedule that timesteps are drawn from, as shares of it. 0 is its noisiest end, 1 its end
/// with least noise.
///
/// @param min where the part begins
/// @param max where it ends
public record TimestepRange(double min, double max) {

    public static final TimestepRange ALL = new TimestepRange(0, 1);

    /// @throws InvalidRequestException naming the boundary that cannot be used
    public TimestepRange {
        requireShare("min_timestep_boundary", min);
        requireShare("max_timestep_boundary", max);
        if (max <= min) {
            throw new InvalidRequestException(
                    "max_timestep_boundary", "must be above min_timestep_boundary %s, found %s".formatted(min, max));
        }
    }

    private static void requireShare(String option, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new InvalidRequestException(option, "must be between 0 and 1, found " + value);
        }
    }

    /// @param steps of the whole schedule
    /// @return index of the first timestep that may be drawn
    public int first(int steps) {
        return Math.min((int) (min * steps), steps - 1);
    }

    /// @param steps of the whole schedule
    /// @return how many timesteps there are to draw from, at least 1
    public int count(int steps) {
        return Math.max(1, (int) (max * steps) - first(steps));
    }
}
