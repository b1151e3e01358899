package io.stencil.train.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.train.options.DataOptions.MaskedLoss;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Holds one row of a dataset, whose files exist and are not decoded yet.
///
/// @param editImages reference images of the transformer; empty without --extra_inputs edit_image
/// @param templateInputs the Template's inputs, or null without --extra_inputs template_inputs
/// @param weight factor of the row's loss, at least 0
/// @param mask part of the image that counts in the loss, or null for the whole image
/// @param location line of the metadata file, for messages
public record DatasetRow(
        Path image,
        String prompt,
        List<Path> editImages,
        @Nullable ObjectNode templateInputs,
        double weight,
        @Nullable LossMask mask,
        Location location) {

    public DatasetRow {
        editImages = List.copyOf(editImages);
    }

    /// The same row without Template inputs.
    public DatasetRow withoutInputs() {
        return new DatasetRow(image, prompt, editImages, null, weight, mask, location);
    }

    /// Locates the part of an image that counts in the loss.
    ///
    /// @param file image of the size of the row's image
    /// @param channels of it that say how much a pixel counts
    public record LossMask(Path file, MaskedLoss channels) {

        /// The column of the metadata file that names the file.
        String column() {
            return channels == MaskedLoss.MASK ? "mask" : "image";
        }

        /// Reads the mask.
        ///
        /// @return grey levels, 255 where the image counts in full; null where all of it does
        /// @throws io.stencil.error.InvalidFileException when the file cannot be read
        @Nullable
        RgbImage read() {
            return channels == MaskedLoss.MASK ? RgbImageReader.read(file) : RgbImageReader.readAlpha(file);
        }
    }
}
