package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Pictures with a map of depth, which tells what their captions leave open: size and position.
final class ControlSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.open(draws);
        String depth = sample.add("depth", DepthMap.of(scene, size));
        return Row.of(
                sample.add(TARGET, Renderer.paint(scene, size)),
                scene.caption(),
                new TemplateInputs.PictureAndPrompt(depth, scene.caption()));
    }
}
