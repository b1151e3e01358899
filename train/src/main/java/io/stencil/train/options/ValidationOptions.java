package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.TrainingOption.OnResume;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Options of validation on held-out rows.
public record ValidationOptions(
        @TrainingOption(
                name = "validation_split",
                label = "0..1",
                help = "Share of the rows that are not trained on and measured instead, chosen by their content.",
                docs = "share of the rows that are held out of the training and measured ([below](#validation)). "
                        + "They are chosen by a hash of their content",
                byDefault = "0",
                tasks = {Task.SFT, Task.SFT_TRAIN, Task.VAE})
        double split,

        @TrainingOption(
                name = "validation_metadata_path",
                label = "FILE",
                help = "Rows to measure, as those of --dataset_metadata_path.",
                docs = "rows to measure, in place of `--validation_split`: a file as that of "
                        + "`--dataset_metadata_path`",
                tasks = {Task.SFT, Task.VAE},
                onResume = OnResume.FREE)
        @Nullable
        Path metadataPath,

        @TrainingOption(
                name = "validation_base_path",
                label = "DIR",
                help = "Folder that paths in --validation_metadata_path are relative to. With --task sft:train: a "
                        + "folder that --task sft:data_process made of rows to measure.",
                docs = "what paths in `--validation_metadata_path` are relative to; with `sft:train` a folder of "
                        + "encoded samples to measure, in place of `--validation_split`",
                unset = "the file's folder",
                tasks = {Task.SFT, Task.SFT_TRAIN, Task.VAE},
                onResume = OnResume.FREE)
        @Nullable
        Path basePath,

        @TrainingOption(
                name = "validation_steps",
                help = "Steps between validations; one more before the first step and one at the end.",
                docs = "steps between validations; one more comes before the first step and one at the end",
                unset = "none between",
                tasks = {Task.SFT, Task.SFT_TRAIN, Task.VAE},
                onResume = OnResume.FREE)
        @Nullable
        Integer steps,

        @TrainingOption(
                name = "keep_best",
                label = "validation",
                help = "Keep the weights with the lowest validation loss, as best.safetensors.",
                docs = "`validation` keeps the weights of the validation with the lowest loss as "
                        + "`best.safetensors`, which `--keep_checkpoints` does not remove",
                unset = "none",
                tasks = {Task.SFT, Task.SFT_TRAIN, Task.VAE},
                onResume = OnResume.FREE)
        @Nullable
        KeepBest keepBest,

        @TrainingOption(
                name = "early_stop",
                help = "End the run when the validation loss has not improved for this number of validations.",
                docs = "ends the run when so many validations in a row had no lower loss than the best before them",
                unset = "the run has its full length",
                tasks = {Task.SFT, Task.SFT_TRAIN, Task.VAE},
                onResume = OnResume.FREE)
        @Nullable
        Integer earlyStop) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public ValidationOptions {
        if (!(split >= 0 && split < 1)) {
            throw new InvalidRequestException("validation_split", "must be at least 0 and below 1, found " + split);
        }
        if (split > 0 && (metadataPath != null || basePath != null)) {
            throw new InvalidRequestException(
                    metadataPath == null ? "validation_base_path" : "validation_metadata_path",
                    "is given, and --validation_split too: give one of them");
        }
        requireAtLeastOne("validation_steps", steps);
        requireAtLeastOne("early_stop", earlyStop);
        if (split == 0 && metadataPath == null && basePath == null) {
            requireAbsent("validation_steps", steps);
            requireAbsent("keep_best", keepBest);
            requireAbsent("early_stop", earlyStop);
        }
    }

    /// Whether rows are held out.
    public boolean isOn() {
        return split > 0 || metadataPath != null || basePath != null;
    }

    /// The options of the rows in [#metadataPath], which is not null.
    ///
    /// @param training those of the rows that are trained on
    public DataOptions data(DataOptions training) {
        Path metadata = Objects.requireNonNull(metadataPath).toAbsolutePath();
        Path parent = metadata.getParent();
        Path folder = basePath != null ? basePath : parent == null ? metadata : parent;
        return training.of(folder, metadata);
    }

    private static void requireAtLeastOne(String option, @Nullable Integer value) {
        if (value != null) {
            OptimisationOptions.requireAtLeastOne(option, value);
        }
    }

    private static void requireAbsent(String option, @Nullable Object value) {
        if (value != null) {
            throw new InvalidRequestException(
                    option, "needs rows to measure: give --validation_split or --validation_metadata_path");
        }
    }

    /// What the best weights of a run are chosen by.
    public enum KeepBest {
        /// The lowest loss on the held-out rows.
        VALIDATION("validation");

        private final String option;

        KeepBest(String option) {
            this.option = option;
        }

        /// As on the command line.
        public String option() {
            return option;
        }
    }
}
