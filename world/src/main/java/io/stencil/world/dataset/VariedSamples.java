package io.stencil.world.dataset;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.world.render.Dots;
import io.stencil.world.render.Renderer;
import io.stencil.world.render.Style;
import io.stencil.world.render.Surface;
import io.stencil.world.scene.Draws;
import io.stencil.world.scene.Scene;
import io.stencil.world.scene.Scenes;
import java.util.List;
import java.util.Locale;

/// Plain pictures, and pictures in light of any strength, of any colour, out of focus, in a style, with dots or a
/// frame, whose captions end by naming that: a base model that has seen them can be steered there, and shows what is
/// plain where nothing is named.
final class VariedSamples implements SampleMaker {

    private static final List<String> NUMBERS = List.of("one dot", "two dots", "three dots", "four dots", "five dots");

    private static final List<Variety> VARIETIES = List.of(
            new Variety(0.3, VariedSamples::plain),
            new Variety(0.14, VariedSamples::lit),
            new Variety(0.2, VariedSamples::tinted),
            new Variety(0.14, VariedSamples::blurred),
            new Variety(0.12, VariedSamples::styled),
            new Variety(0.06, VariedSamples::dotted),
            new Variety(0.04, VariedSamples::framed));

    /// @param share of all pictures
    private record Variety(double share, Painter painter) {}

    @FunctionalInterface
    private interface Painter {
        Painting paint(Draws draws, ImageSize size);
    }

    private record Painting(RgbImage image, String caption) {

        /// @param end what the caption says of the picture beside the scene
        static Painting of(RgbImage image, Scene scene, String end) {
            return new Painting(image, scene.caption() + ", " + end);
        }
    }

    @Override
    public Row make(Draws draws, Sample.Builder sample, ImageSize size) {
        Painting painting = painter(draws.unit()).paint(draws, size);
        return Row.of(sample.add(TARGET, painting.image()), painting.caption());
    }

    /// @param place in 0..1, along which the varieties lie one after the other
    private static Painter painter(double place) {
        double left = place;
        for (Variety variety : VARIETIES) {
            left -= variety.share();
            if (left < 0) {
                return variety.painter();
            }
        }
        return VARIETIES.getLast().painter();
    }

    private static Painting plain(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        return new Painting(Renderer.paint(scene, size), scene.caption());
    }

    private static Painting lit(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double scale = draws.unit();
        RgbImage image =
                BrightnessSamples.lit(Surface.of(scene, size), scene.light(), ToneRange.BRIGHTNESS.mean(scale));
        return Painting.of(image, scene, scale < 0.5 ? "dim light" : "bright light");
    }

    private static Painting tinted(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        ChannelLevels levels = ChannelLevels.any(draws);
        return Painting.of(levels.paint(Surface.of(scene, size), scene.light()), scene, levels.hue() + " light");
    }

    private static Painting blurred(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        double scale = draws.unit();
        return Painting.of(Focus.of(Renderer.canvas(scene, size), scale), scene, Focus.word(scale));
    }

    private static Painting styled(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        Style style = draws.one(StyleBank.STYLES.toArray(Style[]::new));
        String name = style.name().toLowerCase(Locale.ROOT);
        return Painting.of(
                style.apply(Renderer.canvas(scene, size), draws.unit()).toImage(), scene, name + " style");
    }

    private static Painting dotted(Draws draws, ImageSize size) {
        Scene scene = Scenes.aboveBottom(draws);
        int count = 1 + draws.below(Dots.MOST);
        return Painting.of(OrdinalSamples.dotted(scene, count, size), scene, NUMBERS.get(count - 1));
    }

    private static Painting framed(Draws draws, ImageSize size) {
        Scene scene = Scenes.captioned(draws);
        return Painting.of(ConstantSamples.framed(scene, size), scene, "white frame");
    }
}
