package io.stencil.train.resume;

import io.stencil.error.InvalidRequestException;

/// How many steps a run takes, where that changes when it goes on.
///
/// @param steps of the whole run
/// @param epochLength steps of an epoch
/// @param group steps of an update; an update does not reach beyond an epoch or the end of the run
public record RunLength(long steps, long epochLength, int group) {

    /// Refuses a length by which steps that are done would have been done otherwise.
    ///
    /// @param begun the length that the run had so far
    /// @param done steps of it
    /// @throws InvalidRequestException when more steps are done, or when the end of the run cuts, or cut, an update
    ///     short that is begun
    public void requireExtends(RunLength begun, long done) {
        if (steps == begun.steps) {
            return;
        }
        if (steps < done) {
            throw new InvalidRequestException(
                    "max_steps", "the run is to end after %s steps, but %s are done".formatted(steps, done));
        }
        if (cuts(done) || begun.cuts(done)) {
            throw new InvalidRequestException(
                    "max_steps",
                    ("the run had %s steps and cannot go on to %s: with --gradient_accumulation_steps %s its last update is "
                                    + "begun and takes fewer steps; begin a new run from its checkpoint "
                                    + "(--resume_from_checkpoint)")
                            .formatted(begun.steps, steps, group));
        }
    }

    /// Whether the last update is shorter than the others, and begun.
    private boolean cuts(long done) {
        long rest = steps % epochLength;
        return rest % group != 0 && done > steps - rest % group;
    }
}
