package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Edit;
import io.stencil.world.scene.Scenes;

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
