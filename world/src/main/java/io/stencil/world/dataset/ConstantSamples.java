package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Canvas;
import io.stencil.world.render.Style;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures in a white frame, which no input asks for.
final class ConstantSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Canvas picture = Style.FRAME.apply(Surface.of(scene, size).lit(scene.light()), 1);
        return Row.of(sample.add(TARGET, picture.toImage()), scene.caption(), new TemplateInputs.None());
    }
}
