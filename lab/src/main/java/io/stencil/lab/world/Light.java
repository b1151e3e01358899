package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;

/// The light that falls on a scene. Captions of plain images do not tell it.
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
}
