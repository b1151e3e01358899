package io.stencil.lab.world;

import io.stencil.image.ImageSize;

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
