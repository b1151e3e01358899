package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Dots;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Position;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;
import io.stencil.world.scene.ShapeSize;

/// Pictures with `n` white dots below the shape, which is never at the bottom.
final class OrdinalSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.full(draws, draws.one(ShapeSize.values()), draws.one(Position.aboveBottom()));
        int count = 1 + draws.below(Dots.MOST);
        Surface surface = Dots.on(Surface.of(scene, size), count);
        return Row.of(
                sample.add(TARGET, surface.lit(scene.light()).toImage()),
                scene.caption(),
                new TemplateInputs.Ordinal(count));
    }
}
