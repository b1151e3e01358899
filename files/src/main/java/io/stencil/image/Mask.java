package io.stencil.image;

import io.stencil.error.InvalidRequestException;

/// Holds a mask, one value for each latent token or each pixel. Of an inpainting mask 1 is where new content is wanted
/// and 0 where the input stays; of a loss mask 1 counts in full and 0 not at all.
public final class Mask {

    /// As the reference scales bytes in float32: to multiply by the rounded 1/255 is not to divide by 255.
    private static final float UNIT = (float) (1.0 / 255.0);

    private final ImageSize size;
    private final float[] values;

    Mask(ImageSize size, float[] values) {
        this.size = size;
        this.values = values;
    }

    /// Computes the mean of red, green and blue, in 0..1, of `image` resized with [Resampler.Filter#BICUBIC].
    ///
    /// @param size size of the mask; for latent tokens, the image's sides divided by 16
    public static Mask of(RgbImage image, ImageSize size) {
        byte[] rgb = Resampler.resize(image, size, Resampler.Filter.BICUBIC).rgb();
        float[] values = new float[rgb.length / RgbImage.CHANNELS];
        for (int i = 0; i < values.length; i++) {
            float sum = 0;
            for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
                sum += (rgb[i * RgbImage.CHANNELS + channel] & 0xFF) * UNIT;
            }
            values[i] = sum / RgbImage.CHANNELS;
        }
        return new Mask(size, values);
    }

    /// Reduces an image by area: each value is the mean of red, green and blue, in 0..1, over a block of
    /// `block x block` pixels, `sum / (3 * 255 * block^2)`.
    ///
    /// @param image whose sides are multiples of `block`
    /// @param block pixels along a side; for latent tokens 16
    public static Mask averaged(RgbImage image, int block) {
        ImageSize size = new ImageSize(image.width() / block, image.height() / block);
        if (size.width() * block != image.width() || size.height() * block != image.height()) {
            throw new InvalidRequestException(
                    "mask", "has %s pixels, which are no multiples of %s".formatted(image.size(), block));
        }
        long[] sums = new long[size.width() * size.height()];
        byte[] rgb = image.rgb();
        for (int y = 0, at = 0; y < image.height(); y++) {
            for (int x = 0; x < image.width(); x++) {
                int value = y / block * size.width() + x / block;
                for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
                    sums[value] += rgb[at++] & 0xFF;
                }
            }
        }
        double full = 255.0 * RgbImage.CHANNELS * block * block;
        float[] values = new float[sums.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (sums[i] / full);
        }
        return new Mask(size, values);
    }

    /// Whether all values are the same number.
    public boolean isFilledWith(float value) {
        for (float found : values) {
            if (found != value) {
                return false;
            }
        }
        return true;
    }

    /// Softens the edges.
    ///
    /// @param blurSize values that the kernel reaches to each side; must be less than either side of the mask
    /// @param sigma    standard deviation in values
    /// @throws io.stencil.error.InvalidRequestException when either is out of range
    public Mask blurred(int blurSize, double sigma) {
        return new Mask(size, GaussianBlur.of(blurSize, sigma).apply(size, values));
    }

    public ImageSize size() {
        return size;
    }

    /// `[height, width]`, row by row, float32 in 0..1; to be read only.
    public float[] values() {
        return values;
    }
}
