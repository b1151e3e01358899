package io.stencil.lab.world;

import io.stencil.image.RgbImage;
import java.awt.geom.Point2D;
import java.util.function.BiPredicate;

/// Single numbers about a whole image.
public final class PixelStatistics {

    /// Side of the corners that a vignette darkens, in sides of the image.
    private static final double CORNER = 0.125;

    /// How much brighter than what surrounds it a dot must be.
    private static final double DOT_CONTRAST = 1.15;

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

    /// Strength of a style: for the same scene, more of the style gives a higher score.
    public static double styleScore(Style style, RgbImage image) {
        Canvas picture = Canvas.of(image);
        return switch (style) {
            case VIVID -> meanSaturation(image);
            case VIGNETTE ->
                1 - brightness(picture, PixelStatistics::isCorner) / brightness(picture, (x, y) -> !isCorner(x, y));
            case DUSK -> warmth(picture, 0.5, 1) - warmth(picture, 0, 0.5);
            case FRAME -> brightness(picture, PixelStatistics::isFrame) - brightness(picture, (x, y) -> !isFrame(x, y));
        };
    }

    /// Counts the dots ([Dots]) of an image.
    public static int dots(RgbImage image) {
        Canvas picture = Canvas.of(image);
        int count = 0;
        for (Point2D dot : Dots.places()) {
            double inside = brightness(picture, (x, y) -> dot.distance(x, y) < 0.7 * Dots.RADIUS);
            double around = brightness(
                    picture,
                    (x, y) -> dot.distance(x, y) > 1.4 * Dots.RADIUS && dot.distance(x, y) < 2.1 * Dots.RADIUS);
            count += inside > DOT_CONTRAST * around ? 1 : 0;
        }
        return count;
    }

    private static boolean isCorner(double x, double y) {
        return Math.min(x, 1 - x) < CORNER && Math.min(y, 1 - y) < CORNER;
    }

    private static boolean isFrame(double x, double y) {
        return Math.min(Math.min(x, y), Math.min(1 - x, 1 - y)) < Style.FRAME_WIDTH;
    }

    /// Mean of the pixels whose middle, in sides of the image, `counts`.
    private static double brightness(Canvas picture, BiPredicate<Double, Double> counts) {
        double sum = 0;
        int count = 0;
        for (int y = 0; y < picture.size().height(); y++) {
            for (int x = 0; x < picture.size().width(); x++) {
                if (counts.test(
                        (x + 0.5) / picture.size().width(),
                        (y + 0.5) / picture.size().height())) {
                    sum += picture.mean(x, y);
                    count++;
                }
            }
        }
        return sum / count;
    }

    /// `(red - blue) / (red + blue)` of the rows between two heights.
    private static double warmth(Canvas picture, double from, double to) {
        double red = 0;
        double blue = 0;
        for (int y = (int) (from * picture.size().height());
                y < to * picture.size().height();
                y++) {
            for (int x = 0; x < picture.size().width(); x++) {
                red += picture.channels().get(0).at(x, y);
                blue += picture.channels().get(2).at(x, y);
            }
        }
        return (red - blue) / (red + blue);
    }
}
