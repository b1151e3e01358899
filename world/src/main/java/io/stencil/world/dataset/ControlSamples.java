package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.DepthMap;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

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
