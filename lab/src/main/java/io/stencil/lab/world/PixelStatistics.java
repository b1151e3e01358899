package io.stencil.lab.world;

import io.stencil.image.RgbImage;

/// Single numbers about a whole picture.
public final class PixelStatistics {

    private PixelStatistics() {}

    /// The mean of all samples, 0 for black to 1 for white.
    public static double meanBrightness(RgbImage image) {
        double sum = 0;
        for (int channel = 0; channel < RgbImage.CHANNELS; channel++) {
            sum += channelMean(image, channel);
        }
        return sum / RgbImage.CHANNELS;
    }

    /// The mean of one channel, 0 to 1.
    ///
    /// @param channel 0 red, 1 green, 2 blue
    public static double channelMean(RgbImage image, int channel) {
        byte[] rgb = image.rgb();
        long sum = 0;
        for (int at = channel; at < rgb.length; at += RgbImage.CHANNELS) {
            sum += rgb[at] & 0xFF;
        }
        return sum / (255.0 * rgb.length / RgbImage.CHANNELS);
    }

    /// The mean squared difference of neighbours across and down, samples in 0..1, over the mean square of all
    /// samples: it does not change with the brightness of the light.
    public static double gradientEnergy(RgbImage image) {
        int row = image.width() * RgbImage.CHANNELS;
        byte[] rgb = image.rgb();
        double squares = 0;
        double differences = 0;
        for (int at = 0; at < rgb.length; at++) {
            int sample = rgb[at] & 0xFF;
            squares += sample * sample;
            if (at % row + RgbImage.CHANNELS < row) {
                int difference = (rgb[at + RgbImage.CHANNELS] & 0xFF) - sample;
                differences += difference * difference;
            }
            if (at + row < rgb.length) {
                int difference = (rgb[at + row] & 0xFF) - sample;
                differences += difference * difference;
            }
        }
        return squares == 0 ? 0 : differences / squares;
    }

    /// The mean over pixels of `(max - min) / max` of the channels, 0 for grey to 1.
    public static double meanSaturation(RgbImage image) {
        byte[] rgb = image.rgb();
        double sum = 0;
        for (int at = 0; at < rgb.length; at += RgbImage.CHANNELS) {
            int red = rgb[at] & 0xFF;
            int green = rgb[at + 1] & 0xFF;
            int blue = rgb[at + 2] & 0xFF;
            int most = Math.max(red, Math.max(green, blue));
            int least = Math.min(red, Math.min(green, blue));
            sum += most == 0 ? 0 : (most - least) / (double) most;
        }
        return sum * RgbImage.CHANNELS / rgb.length;
    }
}
