package io.stencil.train.options;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidRequestException;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.optim.Optimizer;
import io.stencil.train.optim.OptimizerType;
import io.stencil.train.options.TrainingOption.OnResume;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Options of the optimizer and of the length of a run.
public record OptimisationOptions(
        @TrainingOption(
                name = "optimizer",
                label = "NAME",
                help = "adamw, adamw8bit, adafactor, lion or prodigy, which finds its own learning rate.",
                docs = "`adamw`, `adamw8bit`, `adafactor`, `lion` or `prodigy` ([below](#optimizers))",
                byDefault = "adamw")
        OptimizerType optimizer,

        @TrainingOption(
                name = "optimizer_args",
                label = "NAME=VALUE,...",
                help = "Constants of the optimizer, such as beta1=0.9,beta2=0.99.",
                docs = "constants of the optimizer ([below](#optimizers)), with commas between, such as "
                        + "`beta1=0.9,beta2=0.99`",
                unset = "those of its paper")
        List<String> optimizerArguments,

        @TrainingOption(
                name = "learning_rate",
                help = "Learning rate.",
                docs = "learning rate",
                unset = "1e-4; `lion` 3e-5, `prodigy` and `adafactor` 1")
        @Nullable
        Double learningRate,

        @TrainingOption(
                name = "weight_decay",
                help = "Weight decay: the share of a weight, times the learning rate, that an update takes off.",
                docs = "weight decay: the share of a weight, times the learning rate, that an update takes off",
                byDefault = "0.01")
        double weightDecay,

        @TrainingOption(
                name = "lr_scheduler",
                label = "constant|cosine|none",
                help = "constant: a third of the rate for the first five updates, unless --warmup_steps is given.",
                docs = "`constant`: a third of the rate for five updates, as in the reference; `cosine`: "
                        + "falls to zero at the end; `none`",
                byDefault = "constant")
        LearningRateSchedule schedule,

        @TrainingOption(
                name = "warmup_steps",
                help = "Updates through which the learning rate rises.",
                docs = "updates through which the rate rises in equal steps; replaces the third of `constant`",
                unset = "as the scheduler begins")
        @Nullable
        Integer warmupSteps,

        @TrainingOption(
                name = "num_epochs",
                help = "Length of the training in passes over the dataset.",
                docs = "length in passes over the dataset",
                unset = "1, unless --max_steps is given",
                onResume = OnResume.LENGTH)
        @Nullable
        Integer epochs,

        @TrainingOption(
                name = "max_steps",
                help = "Length of the training in steps, in place of --num_epochs.",
                docs = "length in steps, in place of `--num_epochs`",
                onResume = OnResume.LENGTH)
        @Nullable
        Integer maxSteps,

        @TrainingOption(
                name = "batch_size",
                help = "Samples of a step, of one image size.",
                docs = "samples of a step in one process; the step takes the mean loss over all "
                        + "[processes](several-processes.md). Images of a batch have one size: `--height` and "
                        + "`--width`, or rows of equal size come together",
                byDefault = "1")
        int batchSize,

        @TrainingOption(
                name = "gradient_accumulation_steps",
                help = "Steps that make one update.",
                docs = "steps that make one update",
                byDefault = "1")
        int gradientAccumulationSteps,

        @TrainingOption(
                name = "max_grad_norm",
                help = "Clip the gradient to this length.",
                docs = "clips the gradient of all parameters as one vector",
                unset = "no clipping")
        @Nullable
        Double maxGradNorm,

        @TrainingOption(
                name = "ema_decay",
                help = "Save an average of the weights that keeps this share of itself, such as 0.999.",
                docs = "checkpoints hold an average of the weights. The n-th update keeps `min(decay, (1 + "
                        + "n) / (10 + n))` of it")
        @Nullable
        Double emaDecay,

        @TrainingOption(
                name = "use_gradient_checkpointing",
                help = "Less memory, more time.",
                docs = "blocks keep their inputs alone and run again in the backward pass: less memory, more "
                        + "time ([below](#activations))",
                onResume = OnResume.FREE)
        boolean gradientCheckpointing,

        @TrainingOption(
                name = "use_gradient_checkpointing_offload",
                help = "The same, with what has to be kept out of the GPU's memory.",
                docs = "the same, and those inputs wait outside the GPU's memory",
                onResume = OnResume.FREE)
        boolean gradientCheckpointingOffload,

        @TrainingOption(
                name = "activation_memory",
                label = "4GB",
                help = "Gradient checkpointing only of what does not fit: keep activations up to this size.",
                docs = "keeps activations up to this size, such as `4GB` or `1.5GiB`, and recomputes the rest",
                bytes = true,
                onResume = OnResume.FREE)
        @Nullable
        Long activationMemory,

        @TrainingOption(
                name = "find_unused_parameters",
                help = "In several processes: allow trained parts on which the loss does not always depend.",
                docs = "in several processes: trained parts on which the loss does not always depend are allowed")
        boolean findUnusedParameters,

        @TrainingOption(
                name = "seed",
                help = "Makes a run repeatable.",
                docs = "the same seed, data and machine give the same files, also where a Template [draws "
                        + "random numbers](#random-numbers-in-a-template)",
                unset = "a random one")
        @Nullable
        Long seed) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public OptimisationOptions {
        if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
            throw new InvalidRequestException("weight_decay", "must be a number of at least 0, found " + weightDecay);
        }
        requireFloat32("weight_decay", weightDecay);
        optimizerArguments = List.copyOf(optimizerArguments);
        Optimizer.Settings settings = optimizer.settings(weightDecay, optimizerArguments);
        learningRate = learningRate == null ? Double.valueOf(settings.defaultLearningRate()) : learningRate;
        requireAboveZero("learning_rate", learningRate);
        if (warmupSteps != null && warmupSteps < 0) {
            throw new InvalidRequestException("warmup_steps", "must be at least 0, found " + warmupSteps);
        }
        epochs = epochs == null && maxSteps == null ? Integer.valueOf(1) : epochs;
        if (epochs != null) {
            requireAtLeastOne("num_epochs", epochs);
        }
        if (maxSteps != null) {
            requireAtLeastOne("max_steps", maxSteps);
        }
        if (epochs != null && maxSteps != null) {
            throw new InvalidRequestException(
                    "max_steps", "or num_epochs must give the length of the training, one of them and not both");
        }
        requireAtLeastOne("batch_size", batchSize);
        requireAtLeastOne("gradient_accumulation_steps", gradientAccumulationSteps);
        if (maxGradNorm != null) {
            requireAboveZero("max_grad_norm", maxGradNorm);
        }
        if (activationMemory != null) {
            var _ = new ActivationPolicy.Within(activationMemory, gradientCheckpointingOffload);
        }
        // A bound on the memory decides what is recomputed, and to offload is to recompute.
        gradientCheckpointing = activationMemory == null && (gradientCheckpointing || gradientCheckpointingOffload);
        if (emaDecay != null && !(emaDecay >= 0 && emaDecay < 1)) {
            throw new InvalidRequestException(
                    "ema_decay", "must be at least 0 and below 1, such as 0.999, found " + emaDecay);
        }
    }

    /// The optimizer's method and constants.
    public Optimizer.Settings optimizerSettings() {
        return optimizer.settings(weightDecay, optimizerArguments);
    }

    /// The activations that are kept of a forward pass for the backward pass.
    public ActivationPolicy activations() {
        return activationMemory == null
                ? gradientCheckpointing
                        ? new ActivationPolicy.Recompute(gradientCheckpointingOffload)
                        : new ActivationPolicy.Keep()
                : new ActivationPolicy.Within(activationMemory, gradientCheckpointingOffload);
    }

    static void requireAboveZero(String option, double value) {
        if (!(value > 0 && Double.isFinite(value))) {
            throw new InvalidRequestException(option, "must be a number above 0, found " + value);
        }
        requireFloat32(option, value);
    }

    /// Weights are in float32: a number that is infinite or 0 there is another one than was given.
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
