package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.PixelStatistics;
import io.stencil.world.render.Renderer;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Light;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures under tinted light, with the means of their channels as `R`, `G`, `B`.
final class RgbSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Light light = scene.light().tinted(Light.strongTint(draws));
        RgbImage image = Renderer.paint(scene.with(light), size);
        TemplateInputs inputs = new TemplateInputs.Channels(mean(image, 0), mean(image, 1), mean(image, 2));
        return Row.of(sample.add(TARGET, image), scene.caption(), inputs);
    }

    private static double mean(RgbImage image, int channel) {
        return ToneRange.CHANNEL.scale(PixelStatistics.channelMean(image, channel));
    }
}
