package io.stencil.pipeline;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.image.TargetSize;
import java.util.List;

/// Images that the transformer sees beside the one it makes.
///
/// @param autoResize brings each to an area of about 1024 x 1024; else each is only cropped to multiples of 16
public record EditImages(List<RgbImage> images, boolean autoResize) {

    /// Pixels of one token along a side.
    private static final int TOKEN = 16;

    /// @throws InvalidRequestException when an image is too small or too narrow to have tokens
    public EditImages {
        images = Arguments.copyOf("edit_image", images);
        images.forEach(image -> encodedSize(image, autoResize));
    }

    /// The images at the sizes at which they are encoded, in their order; sides are multiples of 16.
    List<RgbImage> sized() {
        return images.stream()
                .map(image -> Resampler.cover(image, encodedSize(image, autoResize)))
                .toList();
    }

    private static ImageSize encodedSize(RgbImage image, boolean autoResize) {
        if (autoResize) {
            return TargetSize.ofEditImage(image.size());
        }
        if (image.width() < TOKEN || image.height() < TOKEN) {
            throw new InvalidRequestException(
                    "edit_image",
                    "an image of %s pixels is too small: without edit_image_auto_resize it must have at least 16 x 16"
                            .formatted(image.size()));
        }
        return new ImageSize(image.width() / TOKEN * TOKEN, image.height() / TOKEN * TOKEN);
    }
}
