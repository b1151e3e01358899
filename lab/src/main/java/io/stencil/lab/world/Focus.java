package io.stencil.lab.world;

import io.stencil.image.RgbImage;

/// Blurs images by the share of the gradient energy of their shapes' edges that is left, and not by a radius: a blur
/// takes most of it with its first pixels. The grain of surfaces, whose energy is great and which an autoencoder does
/// not keep, is left out by looking at all images through a blur of one and a half pixels.
public final class Focus {

    private static final double LEAST = 0.2;
    /// The greatest blur, as a standard deviation in sides of the image.
    private static final double MOST_BLUR = 16 / 64.0;
    /// The least, in pixels.
    private static final double LEAST_BLUR = 0.05;
    /// Blur under which the energy is measured, in pixels.
    private static final double GLASS = 1.5;

    private Focus() {}

    /// Blurs an image.
    ///
    /// @param scale 1 keeps the edges' gradient energy, 0 a fifth of it, and what lies between is linear
    public static RgbImage of(Canvas sharp, double scale) {
        double target = edges(sharp, 0) * (LEAST + (1 - LEAST) * scale);
        double crispness = Light.seek(
                crisp -> edges(sharp, sharp.size().width() / crisp),
                target,
                1 / MOST_BLUR,
                sharp.size().width() / LEAST_BLUR);
        return sharp.blurred(sharp.size().width() / crispness).toImage();
    }

    /// Two blurs after each other are one, of the sum of their variances.
    private static double edges(Canvas sharp, double blur) {
        return Statistics.gradientEnergy(
                sharp.blurred(Math.sqrt(GLASS * GLASS + blur * blur)).toImage());
    }

    /// Returns the words of captions for a scale, 0..1.
    static String word(double scale) {
        if (scale < 0.25) {
            return "very blurry";
        }
        if (scale < 0.5) {
            return "blurry";
        }
        return scale < 0.75 ? "soft" : "sharp";
    }
}
