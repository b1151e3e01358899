package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import java.util.function.DoubleUnaryOperator;

/// Describes the light that falls on a scene. Captions of plain images do not name it.
///
/// @param brightness factor on all channels
/// @param tint factor on each channel
/// @param right how the light grows from the middle to the right edge; 0.1 is a tenth more
/// @param down how it grows from the middle to the bottom edge
public record Light(double brightness, Albedo tint, double right, double down) {

    /// The darkest light of the world.
    public static final double DIM = 0.45;

    /// The brightest.
    public static final double BRIGHT = 1.6;

    private static final double TINT = 0.05;
    private static final double STRONG_LEAST = 0.6;
    private static final double STRONG_MOST = 1.5;
    private static final double SLOPE = 0.18;

    private static final double LEAST_BRIGHTNESS = 0.05;
    private static final double MOST_BRIGHTNESS = 6;

    /// Halvings of an interval.
    private static final int TIMES = 12;

    /// Light of any brightness, with a slight tint, that falls from any side.
    static Light any(Draws draws) {
        return new Light(draws.between(DIM, BRIGHT), tint(draws, Math.exp(-TINT), Math.exp(TINT)), 0, 0)
                .fromSide(draws);
    }

    /// A tint that is plain to see.
    public static Albedo strongTint(Draws draws) {
        return tint(draws, STRONG_LEAST, STRONG_MOST);
    }

    private static Albedo tint(Draws draws, double least, double most) {
        return new Albedo(draws.ratio(least, most), draws.ratio(least, most), draws.ratio(least, most));
    }

    private Light fromSide(Draws draws) {
        double angle = draws.between(0, 2 * Math.PI);
        double slope = draws.between(0, SLOPE);
        return new Light(brightness, tint, slope * StrictMath.cos(angle), slope * StrictMath.sin(angle));
    }

    public Light withBrightness(double other) {
        return new Light(other, tint, right, down);
    }

    /// Of the same slope, of brightness 1, with another tint.
    public Light tinted(Albedo other) {
        return new Light(1, other, right, down);
    }

    /// The factor on one channel at a place.
    ///
    /// @param x from the left edge, in sides of the image
    /// @param y from the top edge
    public double at(double x, double y, int channel) {
        return brightness * tint.channel(channel) * (1 + right * (2 * x - 1) + down * (2 * y - 1));
    }

    /// Paints a scene in this light, at such strength that the mean brightness of the image, 0..1, is as wanted.
    RgbImage paint(Surface surface, double wanted) {
        double factor = seek(
                brightness -> Statistics.meanBrightness(
                        surface.lit(withBrightness(brightness)).toImage()),
                wanted,
                LEAST_BRIGHTNESS,
                MOST_BRIGHTNESS);
        return surface.lit(withBrightness(factor)).toImage();
    }

    /// Finds where a rising function reaches a value, by halving an interval again and again.
    ///
    /// @param rising with its argument, which is a factor: halves are of equal ratio
    /// @param wanted value of the function
    /// @param least argument that may be the answer, above 0
    /// @param most argument that may be the answer
    /// @return the last that was tried, which is within a 4,096th of the interval
    static double seek(DoubleUnaryOperator rising, double wanted, double least, double most) {
        double low = least;
        double high = most;
        double middle = least;
        for (int i = 0; i < TIMES; i++) {
            middle = Math.sqrt(low * high);
            if (rising.applyAsDouble(middle) < wanted) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return middle;
    }

    /// The share of light that a surface throws back, for each channel.
    ///
    /// @param red 0..1
    /// @param green 0..1
    /// @param blue 0..1
    public record Albedo(double red, double green, double blue) {

        public double channel(int index) {
            return switch (index) {
                case 0 -> red;
                case 1 -> green;
                case 2 -> blue;
                default -> throw new InvalidRequestException("index", "channel " + index + " of red, green, blue");
            };
        }
    }

    /// How strong the light of each channel is, from 0, the weakest that datasets have, to 1. A channel's mean is
    /// spread evenly over what light can make of it in the scene, but that the brightest light dims all channels
    /// together: colours of the world differ least in green, so that equal tints would give it the narrowest range.
    record Channels(double red, double green, double blue) {

        private static final double LEAST = 0.45;
        private static final double MOST = 2.2;

        static Channels any(Draws draws) {
            return new Channels(draws.unit(), draws.unit(), draws.unit());
        }

        /// The image of a scene in this light.
        RgbImage paint(Surface surface, Light light) {
            Light.Albedo tint = new Light.Albedo(
                    factor(surface, light, red, 0), factor(surface, light, green, 1), factor(surface, light, blue, 2));
            return surface.lit(light.tinted(tint)).toImage();
        }

        /// The colour of the light, by what lies above the middle.
        String hue() {
            int strong = (red > 0.5 ? 1 : 0) + (green > 0.5 ? 2 : 0) + (blue > 0.5 ? 4 : 0);
            return switch (strong) {
                case 0 -> "dark";
                case 1 -> "red";
                case 2 -> "green";
                case 3 -> "yellow";
                case 4 -> "blue";
                case 5 -> "magenta";
                case 6 -> "cyan";
                default -> "white";
            };
        }

        private static double factor(Surface surface, Light light, double level, int channel) {
            double least = mean(surface, light, channel, LEAST);
            double most = mean(surface, light, channel, MOST);
            double wanted = least + level * (most - least);
            return seek(tint -> mean(surface, light, channel, tint), wanted, LEAST, MOST);
        }

        /// Of a channel under light that is tinted alike in all channels.
        private static double mean(Surface surface, Light light, int channel, double tint) {
            RgbImage image = surface.lit(light.tinted(new Light.Albedo(tint, tint, tint)))
                    .toImage();
            return Statistics.channelMean(image, channel);
        }
    }
}
