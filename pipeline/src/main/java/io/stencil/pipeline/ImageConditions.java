package io.stencil.pipeline;

import io.stencil.image.RgbImage;
import org.jspecify.annotations.Nullable;

/// The pictures that go into a generation.
///
/// @param input start of image-to-image and of inpainting; resized and cropped to the requested size
/// @param edit pictures that the transformer sees as references
/// @param inpaint restricts the change to a part of the input image
/// @param overlay whether the input image is laid over the generated one outside of the mask
public record ImageConditions(
        @Nullable RgbImage input,
        @Nullable EditImages edit,
        @Nullable Inpaint inpaint,
        boolean overlay) {

    public static ImageConditions none() {
        return new ImageConditions(null, null, null, false);
    }
}
