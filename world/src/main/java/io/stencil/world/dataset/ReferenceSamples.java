package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Albedo;
import io.stencil.world.scene.Background;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Light;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures under coloured light, and another scene under light of the same colour: on grey, where that is plain to
/// see.
final class ReferenceSamples implements SampleMaker {

    private static final double LEAST = 0.6;
    private static final double MOST = 1.5;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Scene open = Scenes.open(draws);
        Scene other = open.with(open.described().withBackground(Background.GRAY));
        Albedo tint = Light.tint(draws, LEAST, MOST);
        String reference = sample.add("references", Renderer.paint(other.with(coloured(other, tint)), size));
        return Row.of(
                sample.add(TARGET, Renderer.paint(scene.with(coloured(scene, tint)), size)),
                scene.caption(),
                new TemplateInputs.Picture(reference));
    }

    private static Light coloured(Scene scene, Albedo tint) {
        return scene.light().withBrightness(1).withTint(tint);
    }
}
