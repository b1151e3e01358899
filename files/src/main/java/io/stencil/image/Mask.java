package io.stencil.image;

/// An inpainting mask, one value for each latent token or each pixel: 1 where new content is wanted, 0 where the input
/// stays.
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
