package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// The size that pictures of a dataset are brought to. Sides are multiples of [#FACTOR]: one latent token is that wide.
public sealed interface TargetSize {

    /// Pixels of one latent token along a side.
    int FACTOR = 16;

    /// The size for a picture of `size`.
    ///
    /// @throws InvalidRequestException when the picture is too small to give one token along a side
    ImageSize resolve(ImageSize size);

    /// The picture, resized and cropped to its target ([CoverCrop]).
    default RgbImage fit(RgbImage image) {
        return CoverCrop.to(resolve(image.size()), image);
    }

    /// One size for all pictures.
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

    /// The picture's own size, scaled down to at most `maxPixels`, each side cut to a multiple of [#FACTOR].
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
                        "a picture of %s pixels becomes %s x %s at most %s pixels, but a side needs at least %s; leave it out or crop it"
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
