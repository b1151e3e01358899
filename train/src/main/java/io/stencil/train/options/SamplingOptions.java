package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.TrainingOption.OnResume;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Options of the images that are generated while a run trains.
public record SamplingOptions(
        @TrainingOption(
                name = "sample_steps",
                help = "Steps between sets of sample images, in samples/step-NNNNNN; one more comes at the end.",
                docs = "steps between sets of sample images ([below](#samples)), in `samples/step-NNNNNN`; one more "
                        + "comes at the end",
                unset = "no samples, or with --samples one set at the end",
                tasks = {Task.SFT, Task.SFT_TRAIN},
                onResume = OnResume.FREE)
        @Nullable
        Integer steps,

        @TrainingOption(
                name = "samples",
                label = "FILE",
                help = "The samples: .jsonl or .json rows with the names of generate's options: prompt, seed, "
                        + "template_inputs.",
                docs = "what the samples show: `.jsonl` or `.json` rows with the names of `generate`'s options",
                unset = "made up from the dataset",
                tasks = {Task.SFT, Task.SFT_TRAIN},
                onResume = OnResume.FREE)
        @Nullable
        Path file,

        @TrainingOption(
                name = "sample_at_first",
                help = "Generate samples before the first step too.",
                docs = "samples before the first step too, which show where training began",
                tasks = {Task.SFT, Task.SFT_TRAIN},
                onResume = OnResume.FREE)
        boolean atFirst) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public SamplingOptions {
        if (steps != null) {
            OptimisationOptions.requireAtLeastOne("sample_steps", steps);
        }
        if (atFirst && steps == null && file == null) {
            throw new InvalidRequestException(
                    "sample_at_first", "needs --sample_steps or --samples: without them there are no samples");
        }
    }

    /// Whether the run generates samples.
    public boolean isEnabled() {
        return steps != null || file != null;
    }

    /// Whether samples are due after a step.
    ///
    /// @param step steps that are done; 0 before the first
    /// @param last whether no other step follows
    public boolean isDue(long step, boolean last) {
        if (step == 0) {
            return atFirst;
        }
        return isEnabled() && (last || (steps != null && step % steps == 0));
    }
}
