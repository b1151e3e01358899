package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// Determines the size to which images of a dataset, and edit images, are resized. Sides are multiples of [#FACTOR],
/// the width of one latent token.
public sealed interface TargetSize {

    /// Pixels of one latent token along a side.
    int FACTOR = 16;

    /// Resolves the size for an image of `size`.
    ///
    /// @throws InvalidRequestException when the image is too small to give one token along a side
    ImageSize resolve(ImageSize size);

    /// Resizes and crops an image to its target ([Resampler#cover]).
    default RgbImage fit(RgbImage image) {
        return Resampler.cover(image, resolve(image.size()));
    }

    /// Resolves the size that edit images are resized to unless the caller switches that off: about one megapixel,
    /// ratio kept. `w = sqrt(area * ratio)`, `h = w / ratio`, each rounded half to even to a multiple of 32.
    ///
    /// @throws InvalidRequestException when the image is so narrow that a side would be 0
    static ImageSize ofEditImage(ImageSize size) {
        double pixels = 1024.0 * 1024.0;
        int factor = 32;
        double ratio = (double) size.width() / size.height();
        double exactWidth = Math.sqrt(pixels * ratio);
        int width = (int) Math.rint(exactWidth / factor) * factor;
        int height = (int) Math.rint(exactWidth / ratio / factor) * factor;
        if (width == 0 || height == 0) {
            throw new InvalidRequestException(
                    "edit_image",
                    "an image of %s pixels is too narrow: %s x %s after resizing to one megapixel; crop it"
                            .formatted(size, width, height));
        }
        return new ImageSize(width, height);
    }

    /// Fixes one size for all images.
    record Fixed(int height, int width) implements TargetSize {
        public Fixed {
            checkSide("height", height);
            checkSide("width", width);
            if ((long) height * width > RgbImage.MAX_PIXELS) {
                throw new InvalidRequestException(
                        "height",
                        "%s and width %s are more than %s pixels together"
                                .formatted(height, width, RgbImage.MAX_PIXELS));
            }
        }

        private static void checkSide(String name, int pixels) {
            if (pixels < FACTOR || pixels % FACTOR != 0) {
                throw new InvalidRequestException(
                        name,
                        "must be a positive multiple of %s, found %s; use %s"
                                .formatted(FACTOR, pixels, Math.max(pixels / FACTOR, 1) * FACTOR));
            }
        }

        @Override
        public ImageSize resolve(ImageSize size) {
            return new ImageSize(width, height);
        }

        /// The size, as [ImageSize] writes it.
        @Override
        public String toString() {
            return new ImageSize(width, height).toString();
        }
    }

    /// Keeps the image's own size, scaled down to at most `maxPixels`, each side cut to a multiple of [#FACTOR].
    record MaxPixels(int maxPixels) implements TargetSize {
        public MaxPixels {
            if (maxPixels < FACTOR * FACTOR) {
                throw new InvalidRequestException(
                        "max_pixels", "must be at least %s, found %s".formatted(FACTOR * FACTOR, maxPixels));
            }
        }

        @Override
        public ImageSize resolve(ImageSize size) {
            int width = size.width();
            int height = size.height();
            double pixels = (double) width * height;
            if (pixels > maxPixels) {
                double scale = Math.sqrt(pixels / maxPixels);
                width = (int) (width / scale);
                height = (int) (height / scale);
            }
            if (width < FACTOR || height < FACTOR) {
                throw new InvalidRequestException(
                        "max_pixels",
                        "an image of %s pixels becomes %s x %s at most %s pixels, but a side needs at least %s; leave it out or crop it"
                                .formatted(size, width, height, maxPixels, FACTOR));
            }
            return new ImageSize(width / FACTOR * FACTOR, height / FACTOR * FACTOR);
        }

        /// `at most 1048576 pixels`.
        @Override
        public String toString() {
            return "at most %s pixels".formatted(maxPixels);
        }
    }
}
