package io.stencil.train.options;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.TargetSize;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The dataset and what is taken of it.
///
/// @param basePath folder against which the paths in the metadata file are resolved
/// @param metadataPath `.json` (an array), `.jsonl` or `.csv`
/// @param repeat how often each row comes in an epoch
/// @param fileKeys columns that are opened as files, relative to `basePath`
/// @param workers threads that read rows ahead of their use, and one more that encodes ahead where encodings are not
///     kept; 0 reads and encodes where it is needed
/// @param shuffle draws a new order for each epoch; else rows come as they stand in the file
/// @param height of all pictures in pixels, or null for each picture's own size
/// @param width of all pictures in pixels, or null for each picture's own size
/// @param maxPixels upper bound of a picture's own size
/// @param extraInputs what goes in beside picture and prompt
/// @param onBadRow how rows are treated that cannot be read
public record DataOptions(
        Path basePath,
        Path metadataPath,
        int repeat,
        Set<FileKey> fileKeys,
        int workers,
        boolean shuffle,
        @Nullable Integer height,
        @Nullable Integer width,
        int maxPixels,
        Set<ExtraInput> extraInputs,
        OnBadRow onBadRow) {

    /// @throws InvalidRequestException naming the option that cannot be used
    public DataOptions {
        fileKeys = Set.copyOf(fileKeys);
        extraInputs = Set.copyOf(extraInputs);
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
