package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.ResampleFilter;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures, and what is left of them when they are made small and large again.
final class UpscaleSamples implements SampleMaker {

    private static final int FACTOR = 4;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        RgbImage image = Renderer.paint(scene, size);
        ImageSize small = new ImageSize(size.width() / FACTOR, size.height() / FACTOR);
        RgbImage reduced = Resampler.resize(image, small, ResampleFilter.BICUBIC);
        String source = sample.add("sources", Resampler.resize(reduced, size, ResampleFilter.BICUBIC));
        return Row.of(
                sample.add(TARGET, image),
                scene.caption(),
                new TemplateInputs.PictureAndPrompt(source, scene.caption()));
    }
}
