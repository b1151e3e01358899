package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Pictures, and what is left of them when they are made small and large again.
final class UpscaleSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        RgbImage image = Renderer.paint(scene, size);
        String source = sample.add("sources", Reduction.of(image));
        return Row.of(
                sample.add(TARGET, image),
                scene.caption(),
                new TemplateInputs.PictureAndPrompt(source, scene.caption()));
    }
}
