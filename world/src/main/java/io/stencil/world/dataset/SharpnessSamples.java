package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Canvas;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures out of focus: a `scale` of 1 is sharp, 0 the greatest blur.
final class SharpnessSamples implements SampleMaker {

    /// Greatest standard deviation of the blur, in sides of the picture.
    private static final double MOST = 2.6 / 64;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double scale = ToneRange.rounded(draws.unit());
        Canvas picture = Surface.of(scene, size).lit(scene.light()).blurred(MOST * (1 - scale) * size.width());
        return Row.of(sample.add(TARGET, picture.toImage()), scene.caption(), new TemplateInputs.Scale(scale));
    }
}
