package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Pictures of which a part is to be made anew: [InpaintScene].
final class InpaintSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        InpaintScene scene = InpaintScene.of(draws, size);
        TemplateInputs inputs = new TemplateInputs.Inpaint(
                sample.add("sources", scene.source()), sample.add("masks", scene.mask()), true);
        return Row.of(sample.add(TARGET, scene.target()), scene.wanted().caption(), inputs);
    }
}
