package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.TargetSize;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The dataset and what is taken of it.
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
                help = "Columns to open as files: image, edit_image.",
                docs = "columns that are opened as files, relative to `--dataset_base_path`: `image`, which "
                        + "is always needed, and `edit_image`, which `--extra_inputs edit_image` needs. A "
                        + "column that is not named is not looked at. `video` may stand in the list, but a row "
                        + "that has one is refused. What a Template's inputs name it reads itself",
                unset = "image, and edit_image where --extra_inputs names it")
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
                docs = "larger images are scaled down to it",
                byDefault = "1048576")
        int maxPixels,

        @TrainingOption(
                name = "extra_inputs",
                label = "KEYS",
                help = "Keys of a row that go in beside image and prompt: template_inputs, edit_image.",
                docs = "what goes in beside image and prompt: `template_inputs`, `edit_image`")
        Set<ExtraInput> extraInputs,

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

    /// @throws InvalidRequestException naming the option that cannot be used
    public DataOptions {
        extraInputs = Set.copyOf(extraInputs);
        fileKeys = fileKeys.isEmpty() ? FileKey.neededBy(extraInputs) : Set.copyOf(fileKeys);
        if (repeat < 1) {
            throw new InvalidRequestException("dataset_repeat", "must be at least 1, found " + repeat);
        }
        if (workers < 0) {
            throw new InvalidRequestException("dataset_num_workers", "must be at least 0, found " + workers);
        }
        if ((height == null) != (width == null)) {
            throw new InvalidRequestException(
                    height == null ? "height" : "width",
                    "is missing: give height and width, or neither for each picture's own size");
        }
        for (FileKey needed : FileKey.neededBy(extraInputs)) {
            if (!fileKeys.contains(needed)) {
                throw new InvalidRequestException(
                        "data_file_keys",
                        needed == FileKey.IMAGE
                                ? "must name image"
                                : "must name %s too, which --extra_inputs asks for".formatted(needed.key()));
            }
        }
        targetSize(height, width, maxPixels);
    }

    /// The size that pictures are brought to.
    public TargetSize size() {
        return targetSize(height, width, maxPixels);
    }

    private static TargetSize targetSize(@Nullable Integer height, @Nullable Integer width, int maxPixels) {
        return height == null || width == null
                ? new TargetSize.MaxPixels(maxPixels)
                : new TargetSize.Fixed(height, width);
    }
}
