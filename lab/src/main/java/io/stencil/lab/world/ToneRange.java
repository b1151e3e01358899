package io.stencil.lab.world;

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
