package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Pictures with `n` white dots below the shape, which is never at the bottom.
final class OrdinalSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.aboveBottom(draws);
        int count = 1 + draws.below(Dots.MOST);
        return Row.of(
                sample.add(TARGET, dotted(scene, count, size)), scene.caption(), new TemplateInputs.Ordinal(count));
    }

    static RgbImage dotted(Scene scene, int count, ImageSize size) {
        return Dots.on(Surface.of(scene, size), count).lit(scene.light()).toImage();
    }
}
