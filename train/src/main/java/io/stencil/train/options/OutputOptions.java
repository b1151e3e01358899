package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// What a training run leaves, and where.
///
/// @param folder gets checkpoints, `training_args.json` and logs; it is made when absent
/// @param removedPrefix cut off the names in checkpoints that begin with it, such as `pipe.template_model.`; null
///     keeps full names
/// @param saveSteps steps between checkpoints; null writes one at each epoch's end, or, where the steps are
///     counted, one at the end
/// @param keptCheckpoints how many checkpoints stay when a newer one is written, each with its raw weights; null for
/// all
/// @param resume goes on with the run in `folder`, from its newest complete state
/// @param resumeFrom checkpoint whose tensors the training starts with; a run that is resumed has them in its state
/// @param saveDtype of the tensors in checkpoints, float32 or bfloat16
/// @param saveRawWeights writes the weights themselves beside their average, as `NAME.raw.safetensors`
/// @param csvLog writes `training_log.csv`
/// @param tensorboardLog not supported
public record OutputOptions(
        Path folder,
        @Nullable String removedPrefix,
        @Nullable Integer saveSteps,
        @Nullable Integer keptCheckpoints,
        boolean resume,
        @Nullable Path resumeFrom,
        DType saveDtype,
        boolean saveRawWeights,
        boolean csvLog,
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
