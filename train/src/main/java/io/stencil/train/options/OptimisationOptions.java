package io.stencil.train.options;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidRequestException;
import io.stencil.train.optim.LearningRateSchedule;
import org.jspecify.annotations.Nullable;

/// How the trainable parameters are moved.
///
/// @param learningRate above 0
/// @param weightDecay of AdamW, at least 0
/// @param schedule of the learning rate
/// @param warmupSteps updates through which the rate rises; null leaves the beginning to the schedule
/// @param epochs passes over the dataset; null when `maxSteps` tells the length
/// @param maxSteps steps after which training ends, in as many epochs as it takes; null when `epochs` tells the length
/// @param batchSize samples of a step in one process; a step takes the mean loss over all processes, and pictures of
///     its samples have one size
/// @param gradientAccumulationSteps steps whose mean gradient makes one update; an epoch's last update may have
///     fewer
/// @param maxGradNorm bound of the gradient's length; null for none
/// @param emaDecay of the average of the weights that is saved in their place; null saves the weights
/// @param activations what is kept of a forward pass for the backward pass
/// @param findUnusedParameters whether, in several processes, a parameter may be without a gradient; one process finds
///     such by nature
/// @param seed of timesteps, noise and data order; null draws one, which `training_args.json` tells
public record OptimisationOptions(
        double learningRate,
        double weightDecay,
        LearningRateSchedule schedule,
        @Nullable Integer warmupSteps,
        @Nullable Integer epochs,
        @Nullable Integer maxSteps,
        int batchSize,
        int gradientAccumulationSteps,
        @Nullable Double maxGradNorm,
        @Nullable Double emaDecay,
        ActivationPolicy activations,
        boolean findUnusedParameters,
        @Nullable Long seed) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public OptimisationOptions {
        requireAboveZero("learning_rate", learningRate);
        if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
            throw new InvalidRequestException("weight_decay", "must be a number of at least 0, found " + weightDecay);
        }
        requireFloat32("weight_decay", weightDecay);
        if (warmupSteps != null && warmupSteps < 0) {
            throw new InvalidRequestException("warmup_steps", "must be at least 0, found " + warmupSteps);
        }
        if (epochs != null) {
            requireAtLeastOne("num_epochs", epochs);
        }
        if (maxSteps != null) {
            requireAtLeastOne("max_steps", maxSteps);
        }
        if ((epochs == null) == (maxSteps == null)) {
            throw new InvalidRequestException(
                    "max_steps", "or num_epochs must tell the length of the training, one of them and not both");
        }
        requireAtLeastOne("batch_size", batchSize);
        requireAtLeastOne("gradient_accumulation_steps", gradientAccumulationSteps);
        if (maxGradNorm != null) {
            requireAboveZero("max_grad_norm", maxGradNorm);
        }
        if (emaDecay != null && !(emaDecay >= 0 && emaDecay < 1)) {
            throw new InvalidRequestException(
                    "ema_decay", "must be at least 0 and below 1, such as 0.999, found " + emaDecay);
        }
    }

    private static void requireAboveZero(String option, double value) {
        if (!(value > 0 && Double.isFinite(value))) {
            throw new InvalidRequestException(option, "must be a number above 0, found " + value);
        }
        requireFloat32(option, value);
    }

    /// Weights are in float32: a number that is infinite or 0 there is another one than was asked for.
    static void requireFloat32(String option, double value) {
        if (!Float.isFinite((float) value) || ((float) value == 0 && value != 0)) {
            throw new InvalidRequestException(
                    option, "must be a number that float32 holds, 1.4e-45 to 3.4e38, found " + value);
        }
    }

    static void requireAtLeastOne(String option, long value) {
        if (value < 1) {
            throw new InvalidRequestException(option, "must be at least 1, found " + value);
        }
    }
}
