package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.PixelStatistics;
import io.stencil.world.render.Canvas;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures out of focus. `scale` is how much of the sharp picture's gradient energy they keep: 1 is sharp, 0 keeps
/// [#LEAST] of it. It is spread evenly.
final class SharpnessSamples implements SampleMaker {

    private static final double LEAST = 0.1;
    /// Bounds of one over the blur's standard deviation, in sides of the picture.
    private static final double SOFTEST = 64 / 8.0;

    private static final double CRISPEST = 64 / 0.2;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double scale = ToneRange.rounded(draws.unit());
        RgbImage picture = focused(Surface.of(scene, size).lit(scene.light()), LEAST + (1 - LEAST) * scale);
        return Row.of(sample.add(TARGET, picture), scene.caption(), new TemplateInputs.Scale(scale));
    }

    /// @param share of the gradient energy that is kept
    private static RgbImage focused(Canvas sharp, double share) {
        double whole = PixelStatistics.gradientEnergy(sharp.toImage());
        double crispness = Halving.seek(
                crisp -> PixelStatistics.gradientEnergy(blurred(sharp, crisp)), share * whole, SOFTEST, CRISPEST);
        return blurred(sharp, crispness);
    }

    private static RgbImage blurred(Canvas sharp, double crispness) {
        return sharp.blurred(sharp.size().width() / crispness).toImage();
    }
}
