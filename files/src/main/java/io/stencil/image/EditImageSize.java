package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// The size that edit images are brought to unless the caller switches that off: about one megapixel, ratio kept.
public final class EditImageSize {

    private static final double AREA = 1024.0 * 1024.0;
    private static final int FACTOR = 32;

    private EditImageSize() {}

    /// `w = sqrt(area * ratio)`, `h = w / ratio`, each rounded half to even to a multiple of 32.
    ///
    /// @throws InvalidRequestException when the picture is so narrow that a side would be 0
    public static ImageSize of(ImageSize size) {
        double ratio = (double) size.width() / size.height();
        double exactWidth = Math.sqrt(AREA * ratio);
        int width = rounded(exactWidth);
        int height = rounded(exactWidth / ratio);
        if (width == 0 || height == 0) {
            throw new InvalidRequestException(
                    "edit_image",
                    "a picture of %s pixels is too narrow: %s x %s after resizing to one megapixel; crop it"
                            .formatted(size, width, height));
        }
        return new ImageSize(width, height);
    }

    /// The picture, resized and cropped to that size ([CoverCrop]).
    public static RgbImage fit(RgbImage image) {
        return CoverCrop.to(of(image.size()), image);
    }

    private static int rounded(double side) {
        return (int) Math.rint(side / FACTOR) * FACTOR;
    }
}
