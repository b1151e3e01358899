package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.awt.geom.Point2D;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;

/// Computes statistics of images, compares images and shapes, and correlates series.
public final class Statistics {

    /// Side of the corners that a vignette darkens, in sides of the image.
    private static final double CORNER = 0.125;

    /// How much brighter than what surrounds it a dot must be.
    private static final double DOT_CONTRAST = 1.15;

    private Statistics() {}

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
        Canvas canvas = Canvas.of(image);
        return switch (style) {
            case VIVID -> meanSaturation(image);
            case VIGNETTE ->
                1 - brightness(canvas, Statistics::isCorner) / brightness(canvas, (x, y) -> !isCorner(x, y));
            case DUSK -> warmth(canvas, 0.5, 1) - warmth(canvas, 0, 0.5);
            case FRAME -> brightness(canvas, Statistics::isFrame) - brightness(canvas, (x, y) -> !isFrame(x, y));
        };
    }

    /// Counts the dots of an image.
    public static int dots(RgbImage image) {
        Canvas canvas = Canvas.of(image);
        int count = 0;
        for (Point2D dot : Surface.Dots.places()) {
            double inside = brightness(canvas, (x, y) -> dot.distance(x, y) < 0.7 * Surface.Dots.RADIUS);
            double around = brightness(
                    canvas,
                    (x, y) -> dot.distance(x, y) > 1.4 * Surface.Dots.RADIUS
                            && dot.distance(x, y) < 2.1 * Surface.Dots.RADIUS);
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
    private static double brightness(Canvas canvas, BiPredicate<Double, Double> counts) {
        double sum = 0;
        int count = 0;
        for (int y = 0; y < canvas.size().height(); y++) {
            for (int x = 0; x < canvas.size().width(); x++) {
                if (counts.test(
                        (x + 0.5) / canvas.size().width(),
                        (y + 0.5) / canvas.size().height())) {
                    sum += canvas.mean(x, y);
                    count++;
                }
            }
        }
        return sum / count;
    }

    /// `(red - blue) / (red + blue)` of the rows between two heights.
    private static double warmth(Canvas canvas, double from, double to) {
        double red = 0;
        double blue = 0;
        for (int y = (int) (from * canvas.size().height());
                y < to * canvas.size().height();
                y++) {
            for (int x = 0; x < canvas.size().width(); x++) {
                red += canvas.channels().get(0).at(x, y);
                blue += canvas.channels().get(2).at(x, y);
            }
        }
        return (red - blue) / (red + blue);
    }

    private static final double COVERED = 0.5;

    /// Intersection over union of what two planes cover by half or more, 0 to 1; 0 when neither covers anything.
    public static double overlap(Plane one, Plane other) {
        requireEqual(one.size(), other.size());
        int both = 0;
        int either = 0;
        for (int at = 0; at < one.values().length; at++) {
            boolean first = one.values()[at] >= COVERED;
            boolean second = other.values()[at] >= COVERED;
            both += first && second ? 1 : 0;
            either += first || second ? 1 : 0;
        }
        return either == 0 ? 0 : both / (double) either;
    }

    /// Peak signal-to-noise ratio in dB, the peak being 255; infinite for equal images.
    public static double psnr(RgbImage one, RgbImage other) {
        requireEqual(one.size(), other.size());
        double squares = 0;
        for (int at = 0; at < one.rgb().length; at++) {
            double difference = (one.rgb()[at] & 0xFF) - (other.rgb()[at] & 0xFF);
            squares += difference * difference;
        }
        return 10 * Math.log10(255.0 * 255.0 * one.rgb().length / squares);
    }

    /// Mean absolute difference of samples, 0 to 1, where `mask` is black; NaN where it nowhere is.
    public static double differenceOutside(RgbImage mask, RgbImage one, RgbImage other) {
        return difference(mask, false, one, other);
    }

    /// Mean absolute difference of samples, 0 to 1, where `mask` is not black; NaN where it all is.
    public static double differenceInside(RgbImage mask, RgbImage one, RgbImage other) {
        return difference(mask, true, one, other);
    }

    private static double difference(RgbImage mask, boolean inside, RgbImage one, RgbImage other) {
        requireEqual(one.size(), other.size());
        requireEqual(one.size(), mask.size());
        long sum = 0;
        long count = 0;
        for (int at = 0; at < one.rgb().length; at++) {
            if (mask.rgb()[at] != 0 == inside) {
                sum += Math.abs((one.rgb()[at] & 0xFF) - (other.rgb()[at] & 0xFF));
                count++;
            }
        }
        return count == 0 ? Double.NaN : sum / (255.0 * count);
    }

    private static void requireEqual(ImageSize one, ImageSize other) {
        if (!one.equals(other)) {
            throw new InvalidRequestException("images", "%s and %s pixels cannot be compared".formatted(one, other));
        }
    }

    /// Of the values: 1 for a rising straight line.
    public static double pearson(double[] x, double[] y) {
        requirePairs(x, y);
        double meanX = Arrays.stream(x).average().orElseThrow();
        double meanY = Arrays.stream(y).average().orElseThrow();
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xx += (x[i] - meanX) * (x[i] - meanX);
            xy += (x[i] - meanX) * (y[i] - meanY);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        return xy / Math.sqrt(xx * yy);
    }

    /// Of the ranks: 1 when the larger x always has the larger y. Equal values share the mean of their ranks.
    public static double spearman(double[] x, double[] y) {
        return pearson(ranks(x), ranks(y));
    }

    private static double[] ranks(double[] values) {
        int[] order = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double[] ranks = new double[values.length];
        int from = 0;
        while (from < order.length) {
            int to = from + 1;
            while (to < order.length && values[order[to]] == values[order[from]]) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order[i]] = (from + to - 1) / 2.0;
            }
            from = to;
        }
        return ranks;
    }

    private static void requirePairs(double[] x, double[] y) {
        if (x.length != y.length || x.length < 2) {
            throw new InvalidRequestException(
                    "x, y", "%s and %s values are no pairs to compare".formatted(x.length, y.length));
        }
    }

    /// How means of pixels become inputs of a Template: the world's darkest is 0, its brightest 1.
    ///
    /// @param darkest mean, 0..1, that is called 0
    /// @param brightest mean, 0..1, that is called 1
    public record ToneRange(double darkest, double brightest) {

        /// Of an image's mean brightness.
        public static final ToneRange BRIGHTNESS = new ToneRange(0.15, 0.55);

        /// Of a channel's mean. Colours differ by channel, so this is wider.
        public static final ToneRange CHANNEL = new ToneRange(0.05, 0.85);

        /// The input for a mean, rounded to four places; beyond 0..1 for a mean beyond the range.
        public double scale(double mean) {
            return rounded((mean - darkest) / (brightest - darkest));
        }

        /// The mean that an input stands for.
        public double mean(double scale) {
            return darkest + scale * (brightest - darkest);
        }

        /// To four places, so that files are short and the same everywhere.
        static double rounded(double value) {
            return Math.round(value * 10_000) / 10_000.0;
        }
    }
}
