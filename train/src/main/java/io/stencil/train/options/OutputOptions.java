package io.stencil.train.options;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// What a training run leaves, and where.
///
/// @param folder gets checkpoints, `training_args.json` and logs; it is made when absent
/// @param removedPrefix cut off the names in checkpoints that begin with it, such as `pipe.template_model.`; null
///     keeps full names
/// @param saveSteps steps between checkpoints; null writes one at each epoch's end
/// @param resumeFrom checkpoint whose tensors the training starts with
/// @param csvLog writes `training_log.csv`
/// @param tensorboardLog not supported
public record OutputOptions(
        Path folder,
        @Nullable String removedPrefix,
        @Nullable Integer saveSteps,
        @Nullable Path resumeFrom,
        boolean csvLog,
        boolean tensorboardLog) {

    /// @throws io.stencil.error.InvalidRequestException naming the option that cannot be used
    public OutputOptions {
        if (saveSteps != null) {
            OptimisationOptions.requireAtLeastOne("save_steps", saveSteps);
        }
    }
}
