package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Pictures under coloured light, and another scene under light of the same colour: on grey, where that is plain to
/// see.
final class ReferenceSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Scene open = Scenes.open(draws);
        Scene other = open.with(open.described().withBackground(Background.GRAY));
        Albedo tint = Light.strongTint(draws);
        String reference =
                sample.add("references", Renderer.paint(other.with(other.light().tinted(tint)), size));
        return Row.of(
                sample.add(TARGET, Renderer.paint(scene.with(scene.light().tinted(tint)), size)),
                scene.caption(),
                new TemplateInputs.Picture(reference));
    }
}
