package io.stencil.lab.world;

import io.stencil.image.ImageSize;

/// Pictures before and after a change, and the words that ask for it.
final class EditSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Edit edit = Edit.any(Scenes.full(draws), draws);
        String source = sample.add("sources", Renderer.paint(edit.before(), size));
        return new Row(
                sample.add(TARGET, Renderer.paint(edit.after(), size)),
                edit.instruction(),
                new TemplateInputs.PictureAndPrompt(source, edit.instruction()),
                source);
    }
}
