package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.TargetSize;
import io.stencil.train.options.TrainingOption.OnResume;
import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Options of the dataset.
public record DataOptions(
        @TrainingOption(
                name = "dataset_base_path",
                label = "DIR",
                help = "Folder that paths in the metadata are relative to. With --task sft:train: the folder "
                        + "that --task sft:data_process made.",
                docs = "what paths in the metadata are relative to; with `sft:train` the folder of encoded "
                        + "samples",
                unset = "the metadata file's folder")
        Path basePath,

        @TrainingOption(
                name = "dataset_metadata_path",
                label = "FILE",
                help = "metadata.json, .jsonl or .csv with image, prompt, template_inputs.",
                docs = "`.jsonl`, `.json` or `.csv` with the columns `image`, `prompt`, `template_inputs`",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.VAE})
        Path metadataPath,

        @TrainingOption(
                name = "dataset_repeat",
                help = "Number of times that an epoch shows each row.",
                docs = "how often an epoch shows each row",
                byDefault = "1")
        int repeat,

        @TrainingOption(
                name = "data_file_keys",
                label = "KEYS",
                help = "Columns to open as files: image, edit_image, mask.",
                docs = "columns that are opened as files, relative to `--dataset_base_path`: `image`, which "
                        + "is always needed, `edit_image`, which `--extra_inputs edit_image` needs, and `mask`, "
                        + "which `--masked_loss mask` needs. A column that is not named is not looked at. `video` "
                        + "may stand in the list, but a row that has one is refused. What a Template's inputs "
                        + "name it reads itself",
                unset = "image, and edit_image and mask where they are needed")
        Set<FileKey> fileKeys,

        @TrainingOption(
                name = "dataset_num_workers",
                help = "Threads that read rows ahead of their use: images, Template inputs, encoded samples; "
                        + "above 0 VAE and text encoder work ahead too.",
                docs = "threads that read while the models compute: images and Template inputs (a data "
                        + "processor runs on these threads) of the whole next batch, of stage one the next "
                        + "samples, with `--task sft:train` the files of the cache. Where encodings are not "
                        + "kept, one thread more lets VAE and text encoder work on the next batch beside the "
                        + "training, which takes their memory at the same time. With 0 each row is read and "
                        + "encoded where it is needed",
                byDefault = "0",
                onResume = OnResume.FREE)
        int workers,

        @TrainingOption(
                name = "dataset_shuffle",
                label = "true|false",
                help = "Draw a new order of rows for each epoch.",
                docs = "a new order for each epoch",
                byDefault = "true")
        boolean shuffle,

        @TrainingOption(
                name = "height",
                label = "PIXELS",
                help = "Height of all images.",
                docs = "height of all images in pixels; they are scaled and cropped to `--height` and `--width`",
                unset = "each image's own")
        @Nullable
        Integer height,

        @TrainingOption(
                name = "width",
                label = "PIXELS",
                help = "Width of all images.",
                docs = "width of all images in pixels",
                unset = "each image's own")
        @Nullable
        Integer width,

        @TrainingOption(
                name = "max_pixels",
                help = "Scale larger images down to this number of pixels.",
                docs = "larger images are scaled down to it; the size of buckets",
                byDefault = "1048576")
        int maxPixels,

        @TrainingOption(
                name = "enable_bucket",
                help = "Scale and crop each image to the nearest of some sizes of --max_pixels, by its aspect "
                        + "ratio, so that images of one batch have one size.",
                docs = "scales and crops each image to a bucket: the size of about `--max_pixels` whose aspect "
                        + "ratio is nearest ([below](#buckets))")
        boolean buckets,

        @TrainingOption(
                name = "bucket_reso_steps",
                label = "PIXELS",
                help = "With --enable_bucket: step of the sides of buckets.",
                docs = "step of the sides of buckets in pixels, a multiple of 16; larger steps make fewer buckets",
                byDefault = "64")
        int bucketSteps,

        @TrainingOption(
                name = "extra_inputs",
                label = "KEYS",
                help = "Keys of a row that go in beside image and prompt: template_inputs, edit_image.",
                docs = "what goes in beside image and prompt: `template_inputs`, `edit_image`")
        Set<ExtraInput> extraInputs,

        @TrainingOption(
                name = "masked_loss",
                label = "mask|alpha",
                help = "Count only a part of each image in the loss: the white of the image in its column mask, or "
                        + "what is opaque by its own alpha channel.",
                docs = "counts only a part of each image in the loss ([below](#masked-loss)): `mask` the white of the "
                        + "image that the row's column `mask` names, `alpha` what is opaque by the alpha channel of "
                        + "the image itself",
                unset = "whole images",
                tasks = {Task.SFT, Task.SFT_DATA_PROCESS, Task.SFT_TRAIN})
        @Nullable
        MaskedLoss maskedLoss,

        @TrainingOption(
                name = "on_bad_row",
                label = "fail|skip",
                help = "Rows that cannot be read: fail ends the run; skip reads all rows before the first "
                        + "step and leaves those out, a tenth at most.",
                docs = "rows that cannot be read ([below](#rows-that-cannot-be-read)): `fail` ends the run, "
                        + "`skip` leaves them out, a tenth of the rows at most",
                byDefault = "fail",
                onResume = OnResume.FREE)
        OnBadRow onBadRow) {

    private static final int DEFAULT_BUCKET_STEPS = 64;

    /// @throws InvalidRequestException naming the option that cannot be used
    public DataOptions {
        extraInputs = Set.copyOf(extraInputs);
        Set<FileKey> neededKeys = FileKey.neededBy(extraInputs, maskedLoss);
        fileKeys = fileKeys.isEmpty() ? neededKeys : Set.copyOf(fileKeys);
        if (repeat < 1) {
            throw new InvalidRequestException("dataset_repeat", "must be at least 1, found " + repeat);
        }
        if (workers < 0) {
            throw new InvalidRequestException("dataset_num_workers", "must be at least 0, found " + workers);
        }
        if ((height == null) != (width == null)) {
            throw new InvalidRequestException(
                    height == null ? "height" : "width",
                    "is missing: give height and width, or neither for each image's own size");
        }
        for (FileKey needed : neededKeys) {
            if (!fileKeys.contains(needed)) {
                throw new InvalidRequestException(
                        "data_file_keys",
                        needed == FileKey.IMAGE
                                ? "must name image"
                                : "must name %s too, which --%s needs"
                                        .formatted(
                                                needed.key(),
                                                needed == FileKey.MASK ? "masked_loss mask" : "extra_inputs"));
            }
        }
        if (buckets && height != null) {
            throw new InvalidRequestException(
                    "enable_bucket", "chooses a size for each image; leave out --height and --width");
        }
        targetSize(height, width, maxPixels);
        if (buckets) {
            var _ = new TargetSize.Buckets(maxPixels, bucketSteps);
        } else if (bucketSteps != DEFAULT_BUCKET_STEPS) {
            throw new InvalidRequestException("bucket_reso_steps", "needs --enable_bucket");
        }
    }

    /// The same options for the rows of another metadata file, each once and in their order.
    ///
    /// @param folder against which its paths are resolved
    DataOptions of(Path folder, Path metadata) {
        return new DataOptions(
                folder,
                metadata,
                1,
                fileKeys,
                workers,
                false,
                height,
                width,
                maxPixels,
                buckets,
                bucketSteps,
                extraInputs,
                maskedLoss,
                onBadRow);
    }

    /// The size that images are brought to.
    public TargetSize size() {
        return buckets ? new TargetSize.Buckets(maxPixels, bucketSteps) : targetSize(height, width, maxPixels);
    }

    private static TargetSize targetSize(@Nullable Integer height, @Nullable Integer width, int maxPixels) {
        return height == null || width == null
                ? new TargetSize.MaxPixels(maxPixels)
                : new TargetSize.Fixed(height, width);
    }

    /// Inputs of training beside image and prompt.
    public enum ExtraInput {
        /// Reference images, which the transformer attends to.
        EDIT_IMAGE("edit_image"),
        /// Goes to the Template.
        TEMPLATE_INPUTS("template_inputs");

        private final String key;

        ExtraInput(String key) {
            this.key = key;
        }

        /// The key of a dataset's row.
        public String key() {
            return key;
        }

        /// Reads a comma-separated list; the empty text is the empty set.
        ///
        /// @throws InvalidRequestException for a name that is not known
        public static Set<ExtraInput> parse(String list) {
            EnumSet<ExtraInput> inputs = EnumSet.noneOf(ExtraInput.class);
            for (String name : list.split(",", -1)) {
                if (!list.isBlank()) {
                    inputs.add(one(name.strip()));
                }
            }
            return inputs;
        }

        private static ExtraInput one(String name) {
            for (ExtraInput input : values()) {
                if (input.key.equals(name)) {
                    return input;
                }
            }
            throw new InvalidRequestException(
                    "extra_inputs", "knows template_inputs and edit_image, found '%s'".formatted(name));
        }
    }

    /// Columns of a dataset's row that hold files. Those of a run are opened, and no others.
    public enum FileKey {
        IMAGE("image"),
        EDIT_IMAGE("edit_image"),
        MASK("mask"),
        /// Known so that lists written for other trainers can stay; rows that have one are refused.
        VIDEO("video");

        private final String key;

        FileKey(String key) {
            this.key = key;
        }

        /// The key of a dataset's row.
        public String key() {
            return key;
        }

        /// Columns that a run opens by default: the image, the edit images where they are inputs, and the mask where
        /// the loss has one.
        public static Set<FileKey> neededBy(Set<ExtraInput> extraInputs, @Nullable MaskedLoss maskedLoss) {
            EnumSet<FileKey> needed = EnumSet.of(IMAGE);
            if (extraInputs.contains(ExtraInput.EDIT_IMAGE)) {
                needed.add(EDIT_IMAGE);
            }
            if (maskedLoss == MaskedLoss.MASK) {
                needed.add(MASK);
            }
            return needed;
        }

        /// @throws InvalidRequestException for a name that is not known
        public static Set<FileKey> parse(Collection<String> names) {
            EnumSet<FileKey> keys = EnumSet.noneOf(FileKey.class);
            names.forEach(name -> keys.add(one(name.strip())));
            return keys;
        }

        private static FileKey one(String name) {
            for (FileKey key : values()) {
                if (key.key.equals(name)) {
                    return key;
                }
            }
            if (name.equals("template_inputs") || name.startsWith("template_inputs.")) {
                throw new InvalidRequestException(
                        "data_file_keys",
                        "'%s' needs no mention: a Template reads the files in its inputs itself; leave it out"
                                .formatted(name));
            }
            throw new InvalidRequestException(
                    "data_file_keys", "knows image, edit_image, mask and video, found '%s'".formatted(name));
        }
    }

    /// What part of an image counts in the loss.
    public enum MaskedLoss {
        /// The white of the image in the row's column `mask`.
        MASK("mask"),
        /// What is opaque by the image's own alpha channel.
        ALPHA("alpha");

        private final String option;

        MaskedLoss(String option) {
            this.option = option;
        }

        /// As on the command line.
        public String option() {
            return option;
        }
    }

    /// How rows are treated that cannot be read: an image that cannot be decoded, inputs that do not fit.
    public enum OnBadRow {
        /// The first one ends the run.
        FAIL("fail"),
        /// All are found before the first step and left out, if they are few.
        SKIP("skip");

        /// Skipped rows are at most one of so many, or one.
        private static final int MINIMUM_ROWS_PER_SKIP = 10;

        private final String option;

        OnBadRow(String option) {
            this.option = option;
        }

        /// The value of the option.
        public String option() {
            return option;
        }

        /// How many rows of a dataset may be skipped: a tenth, and at least one, but not all.
        public static int maximumSkipped(int rows) {
            return Math.min(Math.max(rows / MINIMUM_ROWS_PER_SKIP, 1), rows - 1);
        }
    }
}
