package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Pictures and captions, for a base model.
final class PlainSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        return Row.of(sample.add(TARGET, Renderer.paint(scene, size)), scene.caption());
    }
}
