package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures and captions, for a base model.
final class PlainSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        return Row.of(sample.add(TARGET, Renderer.paint(scene, size)), scene.caption());
    }
}
