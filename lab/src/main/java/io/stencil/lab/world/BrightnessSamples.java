package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Pictures whose mean brightness is spread evenly over [ToneRange#BRIGHTNESS], with that as `scale`.
final class BrightnessSamples implements SampleMaker {

    private static final double LEAST = 0.05;
    private static final double MOST = 6;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double wanted = ToneRange.BRIGHTNESS.mean(draws.unit());
        RgbImage image = lit(Surface.of(scene, size), scene.light(), wanted);
        double scale = ToneRange.BRIGHTNESS.scale(PixelStatistics.meanBrightness(image));
        return Row.of(sample.add(TARGET, image), scene.caption(), new TemplateInputs.Scale(scale));
    }

    /// The picture of a scene in light of such strength that its mean brightness, 0..1, is as wanted.
    static RgbImage lit(Surface surface, Light light, double wanted) {
        double factor = Halving.seek(
                brightness -> PixelStatistics.meanBrightness(
                        surface.lit(light.withBrightness(brightness)).toImage()),
                wanted,
                LEAST,
                MOST);
        return surface.lit(light.withBrightness(factor)).toImage();
    }
}
