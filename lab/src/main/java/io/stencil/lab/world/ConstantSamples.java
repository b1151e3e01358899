package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Pictures in a white frame, which no input asks for.
final class ConstantSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        return Row.of(sample.add(TARGET, framed(scene, size)), scene.caption(), new TemplateInputs.None());
    }

    static RgbImage framed(Scene scene, ImageSize size) {
        return Style.FRAME.apply(Renderer.canvas(scene, size), 1).toImage();
    }
}
