package io.stencil.lab.world;

import io.stencil.image.RgbImage;
import java.util.function.DoubleUnaryOperator;

/// Lights scenes so that means of their pixels are as wanted.
final class Lighting {

    private static final double LEAST_BRIGHTNESS = 0.05;
    private static final double MOST_BRIGHTNESS = 6;

    /// Halvings of an interval.
    private static final int TIMES = 12;

    private Lighting() {}

    /// The image of a scene in light of such strength that its mean brightness, 0..1, is as wanted.
    static RgbImage lit(Surface surface, Light light, double wanted) {
        double factor = seek(
                brightness -> PixelStatistics.meanBrightness(
                        surface.lit(light.withBrightness(brightness)).toImage()),
                wanted,
                LEAST_BRIGHTNESS,
                MOST_BRIGHTNESS);
        return surface.lit(light.withBrightness(factor)).toImage();
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
            return PixelStatistics.channelMean(image, channel);
        }
    }
}
