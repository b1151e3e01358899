package io.stencil.image;

import io.stencil.error.InvalidRequestException;
import java.util.List;

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

    /// Chooses among sizes of about `maxPixels`, of many aspect ratios, so that images of unlike sizes can be batched.
    ///
    /// Each bucket is as large as the budget allows: one side is any multiple of `step`, the other is the largest one.
    ///
    /// @param maxPixels budget of pixels
    /// @param step of the sides in pixels
    record Buckets(int maxPixels, int step) implements TargetSize {
        public Buckets {
            if (step < FACTOR || step % FACTOR != 0) {
                throw new InvalidRequestException(
                        "bucket_reso_steps", "must be a positive multiple of %s, found %s".formatted(FACTOR, step));
            }
            if (maxPixels < (long) step * step) {
                throw new InvalidRequestException(
                        "max_pixels",
                        "must be at least %s with --bucket_reso_steps %s, found %s"
                                .formatted((long) step * step, step, maxPixels));
            }
        }

        /// Resolves the bucket whose aspect ratio is nearest by its factor; of equal ones the larger.
        @Override
        public ImageSize resolve(ImageSize size) {
            double ratio = (double) size.width() / size.height();
            ImageSize nearest = new ImageSize(step, step);
            double smallest = Double.POSITIVE_INFINITY;
            for (int side = maxPixels / step / step * step; side > 0; side -= step) {
                int other = maxPixels / side / step * step;
                for (ImageSize bucket : List.of(new ImageSize(side, other), new ImageSize(other, side))) {
                    double width = bucket.width();
                    double difference = Math.abs(Math.log(width / bucket.height() / ratio));
                    if (difference < smallest || (difference == smallest && area(bucket) > area(nearest))) {
                        nearest = bucket;
                        smallest = difference;
                    }
                }
            }
            return nearest;
        }

        private static long area(ImageSize size) {
            return (long) size.width() * size.height();
        }

        /// `buckets of 1048576 pixels in steps of 64`.
        @Override
        public String toString() {
            return "buckets of %s pixels in steps of %s".formatted(maxPixels, step);
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
