package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.render.Canvas;
import io.stencil.world.render.Style;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;
import java.util.Locale;

/// Plain pictures, and pictures in light of any colour, out of focus or in a style, whose captions end by naming that:
/// a base model that has seen them can be steered there, and shows what is plain where nothing is named.
final class VariedSamples implements SampleMaker {

    private static final double PLAIN = 0.4;
    private static final double TINTED = 0.25;
    private static final double BLURRED = 0.2;

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Surface surface = Surface.of(scene, size);
        Canvas plain = surface.lit(scene.light());
        double kind = draws.unit();
        if (kind < PLAIN) {
            return row(sample, plain.toImage(), scene.caption());
        }
        if (kind < PLAIN + TINTED) {
            ChannelLevels levels = ChannelLevels.any(draws);
            return row(sample, levels.paint(surface, scene.light()), scene.caption() + ", " + levels.hue() + " light");
        }
        if (kind < PLAIN + TINTED + BLURRED) {
            double scale = draws.unit();
            return row(sample, Focus.of(plain, scale), scene.caption() + ", " + Focus.word(scale));
        }
        Style style = draws.one(StyleBank.STYLES.toArray(Style[]::new));
        String name = style.name().toLowerCase(Locale.ROOT);
        return row(sample, style.apply(plain, draws.unit()).toImage(), scene.caption() + ", " + name + " style");
    }

    private static Row row(Sample.Builder sample, RgbImage image, String caption) {
        return Row.of(sample.add(TARGET, image), caption);
    }
}
