package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.PixelStatistics;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Albedo;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Light;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures under tinted light, with the means of their channels as `R`, `G`, `B`. Each channel's mean is spread evenly
/// over what light can make of it in the scene, but that the brightest light dims all channels together: colours of the
/// world differ least in
/// green, so that equal tints would give it the narrowest range.
final class RgbSamples implements SampleMaker {

    private static final double LEAST = 0.45;
    private static final double MOST = 2.2;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Surface surface = Surface.of(scene, size);
        Light light = scene.light();
        Albedo tint = new Albedo(
                factor(draws, surface, light, 0), factor(draws, surface, light, 1), factor(draws, surface, light, 2));
        RgbImage image = surface.lit(light.tinted(tint)).toImage();
        TemplateInputs inputs = new TemplateInputs.Channels(scale(image, 0), scale(image, 1), scale(image, 2));
        return Row.of(sample.add(TARGET, image), scene.caption(), inputs);
    }

    private static double factor(Draws draws, Surface surface, Light light, int channel) {
        double least = mean(surface, light, channel, LEAST);
        double most = mean(surface, light, channel, MOST);
        double wanted = least + draws.unit() * (most - least);
        return Halving.seek(tint -> mean(surface, light, channel, tint), wanted, LEAST, MOST);
    }

    /// Of a channel under light that is tinted alike in all channels.
    private static double mean(Surface surface, Light light, int channel, double tint) {
        RgbImage image = surface.lit(light.tinted(new Albedo(tint, tint, tint))).toImage();
        return PixelStatistics.channelMean(image, channel);
    }

    private static double scale(RgbImage image, int channel) {
        return ToneRange.CHANNEL.scale(PixelStatistics.channelMean(image, channel));
    }
}
