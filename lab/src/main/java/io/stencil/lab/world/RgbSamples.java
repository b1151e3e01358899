package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Pictures under tinted light, with the means of their channels as `R`, `G`, `B`.
final class RgbSamples implements SampleMaker {

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Surface surface = Surface.of(scene, size);
        RgbImage image = ChannelLevels.any(draws).paint(surface, scene.light());
        TemplateInputs inputs = new TemplateInputs.Channels(scale(image, 0), scale(image, 1), scale(image, 2));
        return Row.of(sample.add(TARGET, image), scene.caption(), inputs);
    }

    private static double scale(RgbImage image, int channel) {
        return ToneRange.CHANNEL.scale(PixelStatistics.channelMean(image, channel));
    }
}
