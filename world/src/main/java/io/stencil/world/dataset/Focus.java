package io.stencil.world.dataset;

import io.stencil.image.RgbImage;
import io.stencil.world.judge.PixelStatistics;
import io.stencil.world.render.Canvas;

/// Pictures out of focus, told by the gradient energy that they keep, and not by the blur: a blur takes most of it with
/// its first pixel.
public final class Focus {

    private static final double LEAST = 0.1;
    /// The greatest blur, as a standard deviation in sides of the picture.
    private static final double MOST_BLUR = 8 / 64.0;
    /// The least, in pixels.
    private static final double LEAST_BLUR = 0.2;

    private Focus() {}

    /// Blurs a picture.
    ///
    /// @param scale 1 keeps the gradient energy, 0 a tenth of it, and what lies between is linear
    public static RgbImage of(Canvas sharp, double scale) {
        double wanted = PixelStatistics.gradientEnergy(sharp.toImage()) * (LEAST + (1 - LEAST) * scale);
        double crispness = Halving.seek(
                crisp -> PixelStatistics.gradientEnergy(blurred(sharp, crisp)),
                wanted,
                1 / MOST_BLUR,
                sharp.size().width() / LEAST_BLUR);
        return blurred(sharp, crispness);
    }

    /// What a caption calls a scale, 0..1.
    static String word(double scale) {
        if (scale < 0.25) {
            return "very blurry";
        }
        if (scale < 0.5) {
            return "blurry";
        }
        return scale < 0.75 ? "soft" : "sharp";
    }

    private static RgbImage blurred(Canvas sharp, double crispness) {
        return sharp.blurred(sharp.size().width() / crispness).toImage();
    }
}
