package io.stencil.train.checkpoint;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.OptimisationOptions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Counts the steps of a run and places each in its epoch and its update.
///
/// @param steps of the whole run
/// @param epochLength steps of an epoch
/// @param group steps of an update; an update does not reach beyond an epoch or the end of the run
public record RunLength(long steps, long epochLength, int group) {

    /// Counts the steps that options give.
    ///
    /// @param epochLength steps of an epoch
    public static RunLength of(OptimisationOptions options, long epochLength) {
        return of(options.maxSteps(), options.epochs(), options.gradientAccumulationSteps(), epochLength);
    }

    /// Counts the steps of epochs, unless their number is given.
    ///
    /// @param maxSteps steps of the whole run; null counts those of `epochs`, which is not null then
    /// @param group steps of an update
    /// @param epochLength steps of an epoch
    static RunLength of(@Nullable Integer maxSteps, @Nullable Integer epochs, int group, long epochLength) {
        long steps =
                maxSteps == null ? Math.multiplyExact(epochLength, (long) Objects.requireNonNull(epochs)) : maxSteps;
        return new RunLength(steps, epochLength, group);
    }

    /// Updates of the weights in the whole run.
    public long updates() {
        return steps / epochLength * Math.ceilDiv(epochLength, group) + Math.ceilDiv(steps % epochLength, group);
    }

    /// Places a step in its epoch and its update.
    ///
    /// @param epoch from 0
    /// @param batch of the epoch, from 0
    /// @param first batch of the epoch that the update begins with
    /// @param count steps of the update
    /// @param endsEpoch whether it is the last step of the epoch, or of the run
    public record Place(int epoch, int batch, int first, int count, boolean endsEpoch) {

        /// Whether it is the last step of its update.
        public boolean endsUpdate() {
            return batch == first + count - 1;
        }
    }

    /// @param step from 0, below [#steps]
    public Place place(long step) {
        int epoch = Math.toIntExact(step / epochLength);
        int batch = Math.toIntExact(step % epochLength);
        int end = Math.toIntExact(Math.min(epochLength, steps - epoch * epochLength));
        int first = batch / group * group;
        return new Place(epoch, batch, first, Math.min(group, end - first), batch == end - 1);
    }

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
