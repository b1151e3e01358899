package io.stencil.lab.world;

import io.stencil.image.RgbImage;

/// How strong the light of each channel is, from 0, the weakest that datasets have, to 1. A channel's mean is spread
/// evenly over what light can make of it in the scene, but that the brightest light dims all channels together: colours
/// of the world differ least in green, so that equal tints would give it the narrowest range.
record ChannelLevels(double red, double green, double blue) {

    private static final double LEAST = 0.45;
    private static final double MOST = 2.2;

    static ChannelLevels any(Draws draws) {
        return new ChannelLevels(draws.unit(), draws.unit(), draws.unit());
    }

    /// The picture of a scene in this light.
    RgbImage paint(Surface surface, Light light) {
        Albedo tint = new Albedo(
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
        return Halving.seek(tint -> mean(surface, light, channel, tint), wanted, LEAST, MOST);
    }

    /// Of a channel under light that is tinted alike in all channels.
    private static double mean(Surface surface, Light light, int channel, double tint) {
        RgbImage image = surface.lit(light.tinted(new Albedo(tint, tint, tint))).toImage();
        return PixelStatistics.channelMean(image, channel);
    }
}
