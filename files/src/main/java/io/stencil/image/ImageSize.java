package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// Width and height in pixels, each at least 1.
public record ImageSize(int width, int height) {

    public ImageSize {
        if (width < 1 || height < 1) {
            throw new InvalidRequestException("size", "an image of " + width + " x " + height + " pixels");
        }
    }

    /// Swaps width and height.
    ImageSize turned() {
        return new ImageSize(/* width= */ height, /* height= */ width);
    }

    /// `640 x 480`
    @Override
    public String toString() {
        return width + " x " + height;
    }
}
