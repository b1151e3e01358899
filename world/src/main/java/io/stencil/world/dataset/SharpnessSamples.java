package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures out of focus, by any `scale` of [Focus].
final class SharpnessSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double scale = ToneRange.rounded(draws.unit());
        return Row.of(
                sample.add(TARGET, Focus.of(Renderer.canvas(scene, size), scale)),
                scene.caption(),
                new TemplateInputs.Scale(scale));
    }
}
