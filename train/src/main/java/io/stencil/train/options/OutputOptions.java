package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.train.options.TrainingOption.OnResume;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Options of checkpoints and logs.
///
/// @param resume goes on with the run in `folder`, from its newest complete state
public record OutputOptions(
        @TrainingOption(
                name = "output_path",
                label = "DIR",
                help = "Gets checkpoints, states, logs and training_args.json; required unless --resume is given.",
                docs = "gets checkpoints, states, logs and `training_args.json`; required without `--resume`",
                onResume = OnResume.FREE)
        Path folder,

        @TrainingOption(
                name = "remove_prefix_in_ckpt",
                label = "TEXT",
                help = "Cut off names in checkpoints, such as pipe.template_model.",
                docs = "cut off the names of tensors in checkpoints, with or without its last dot; after "
                        + "`pipe.template_model.` a file can lie in the Template's folder as "
                        + "`model.safetensors`. A prefix that no name has is refused",
                onResume = OnResume.FREE)
        @Nullable
        String removedPrefix,

        @TrainingOption(
                name = "save_steps",
                help = "Steps between checkpoints, each with the state to go on from.",
                docs = "steps between checkpoints `step-N.safetensors`; else one an epoch, "
                        + "`epoch-N.safetensors`, or with `--max_steps` one at the end. Each has a state beside "
                        + "it ([Stop and go on](#stop-and-go-on))",
                unset = "one at each epoch's end, or with --max_steps one at the end",
                onResume = OnResume.FREE)
        @Nullable
        Integer saveSteps,

        @TrainingOption(
                name = "keep_checkpoints",
                help = "Keep the newest N checkpoints and remove older ones.",
                docs = "keeps the newest N checkpoints and removes older ones when a new one is written. The "
                        + "newest two states are kept in any case",
                unset = "all",
                onResume = OnResume.FREE)
        @Nullable
        Integer keptCheckpoints,

        boolean resume,

        @TrainingOption(
                name = "resume_from_checkpoint",
                label = "FILE|ID:FILE",
                help = "Begin with the weights of a checkpoint.",
                docs = "begins a new run with the weights of a checkpoint, and the LoRA beside it",
                hub = true)
        @Nullable
        Path resumeFrom,

        @TrainingOption(
                name = "save_dtype",
                label = "float32|bfloat16",
                help = "Dtype of checkpoints.",
                docs = "dtype of checkpoints",
                byDefault = "float32",
                onResume = OnResume.FREE)
        DType saveDtype,

        @TrainingOption(
                name = "save_raw_weights",
                help = "With --ema_decay: save the weights too, as NAME.raw.safetensors.",
                docs = "with `--ema_decay`: the weights themselves too, as `NAME.raw.safetensors`",
                onResume = OnResume.FREE)
        boolean saveRawWeights,

        @TrainingOption(
                name = "enable_csv_log",
                help = "Write each step's loss to a CSV file.",
                docs = "each step's loss in `training_log.csv`",
                onResume = OnResume.FREE)
        boolean csvLog,

        @TrainingOption(
                name = "enable_tensorboard_log",
                help = "Write TensorBoard's event files into tensorboard/.",
                docs = "event files for TensorBoard in `tensorboard/`: losses, learning rate, validation and sample "
                        + "images",
                onResume = OnResume.FREE)
        boolean tensorboardLog) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public OutputOptions {
        if (saveSteps != null) {
            OptimisationOptions.requireAtLeastOne("save_steps", saveSteps);
        }
        if (keptCheckpoints != null) {
            OptimisationOptions.requireAtLeastOne("keep_checkpoints", keptCheckpoints);
        }
        if (saveDtype != DType.FLOAT32 && saveDtype != DType.BFLOAT16) {
            throw new InvalidRequestException("save_dtype", "must be float32 or bfloat16, found " + saveDtype);
        }
    }
}
