package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.judge.PixelStatistics;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Light;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;

/// Pictures whose mean brightness is spread evenly over [ToneRange#BRIGHTNESS], with that as `scale`.
final class BrightnessSamples implements SampleMaker {

    private static final double LEAST = 0.05;
    private static final double MOST = 6;
    private static final int HALVINGS = 12;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double wanted = ToneRange.BRIGHTNESS.mean(draws.unit());
        RgbImage image = lit(Surface.of(scene, size), scene.light(), wanted);
        double scale = ToneRange.BRIGHTNESS.scale(PixelStatistics.meanBrightness(image));
        return Row.of(sample.add(TARGET, image), scene.caption(), new TemplateInputs.Scale(scale));
    }

    /// Seeks the light by halving an interval: a picture's brightness rises with the light's.
    private static RgbImage lit(Surface surface, Light light, double wanted) {
        double least = LEAST;
        double most = MOST;
        RgbImage image = surface.lit(light).toImage();
        for (int i = 0; i < HALVINGS; i++) {
            double middle = Math.sqrt(least * most);
            image = surface.lit(light.withBrightness(middle)).toImage();
            if (PixelStatistics.meanBrightness(image) < wanted) {
                least = middle;
            } else {
                most = middle;
            }
        }
        return image;
    }
}
