package io.stencil.pipeline.stage;

import io.stencil.image.RgbImage;
import java.util.List;

/// Pictures that the transformer sees beside the one it makes.
///
/// @param autoResize brings each to an area of about 1024 x 1024; else each is only cropped to multiples of 16
public record EditImages(List<RgbImage> images, boolean autoResize) {

    public EditImages {
        images = List.copyOf(images);
    }
}
