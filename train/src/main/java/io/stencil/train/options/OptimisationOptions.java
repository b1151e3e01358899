package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.optim.LearningRateSchedule;
import org.jspecify.annotations.Nullable;

/// How the trainable parameters are moved.
///
/// @param learningRate above 0
/// @param weightDecay of AdamW, at least 0
/// @param schedule of the learning rate
/// @param epochs passes over the dataset
/// @param gradientAccumulationSteps samples whose mean gradient makes one update; an epoch's last update may have
///     fewer
/// @param gradientCheckpointing recomputes activations in the backward pass in place of keeping them
/// @param gradientCheckpointingOffload not supported yet
/// @param findUnusedParameters accepted: one process finds them by nature
/// @param seed of timesteps, noise and data order; null draws one, which `training_args.json` tells
public record OptimisationOptions(
        double learningRate,
        double weightDecay,
        LearningRateSchedule schedule,
        int epochs,
        int gradientAccumulationSteps,
        boolean gradientCheckpointing,
        boolean gradientCheckpointingOffload,
        boolean findUnusedParameters,
        @Nullable Long seed) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public OptimisationOptions {
        if (!(learningRate > 0 && Double.isFinite(learningRate))) {
            throw new InvalidRequestException("learning_rate", "must be a number above 0, found " + learningRate);
        }
        if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
            throw new InvalidRequestException("weight_decay", "must be a number of at least 0, found " + weightDecay);
        }
        requireAtLeastOne("num_epochs", epochs);
        requireAtLeastOne("gradient_accumulation_steps", gradientAccumulationSteps);
    }

    static void requireAtLeastOne(String option, long value) {
        if (value < 1) {
            throw new InvalidRequestException(option, "must be at least 1, found " + value);
        }
    }
}
