package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/// Plain images, and images in light of any strength, of any colour, out of focus, in a style, with dots or a
/// frame, whose captions end by naming that: a base model that has seen them can be steered there, and shows what is
/// plain where nothing is named.
public final class VariedSamples {

    private static final List<String> NUMBERS = List.of("one dot", "two dots", "three dots", "four dots", "five dots");

    private static final List<Variety> VARIETIES = List.of(
            new Variety(0.3, VariedSamples::plain),
            new Variety(0.14, VariedSamples::lit),
            new Variety(0.2, VariedSamples::tinted),
            new Variety(0.14, VariedSamples::blurred),
            new Variety(0.12, VariedSamples::styled),
            new Variety(0.06, VariedSamples::dotted),
            new Variety(0.04, VariedSamples::framed));

    /// @param share of all images
    private record Variety(double share, Painter painter) {}

    @FunctionalInterface
    private interface Painter {
        Painting of(Draws draws);
    }

    /// An image that is drawn, but not painted yet.
    private record Painting(Function<ImageSize, RgbImage> image, String caption) {

        /// @param end what the caption says of the image beside the scene
        static Painting of(Scene scene, String end, Function<ImageSize, RgbImage> image) {
            return new Painting(image, scene.caption() + ", " + end);
        }
    }

    private VariedSamples() {}

    /// The captions of a dataset, without its images.
    ///
    /// @param seed of the dataset
    /// @param count of its rows
    public static Set<String> captions(long seed, int count) {
        return LongStream.range(0, count)
                .mapToObj(index -> caption(new Draws(seed, index)))
                .collect(Collectors.toUnmodifiableSet());
    }

    static Sample.Row varied(Draws draws, Sample.Builder sample, ImageSize size) {
        Painting painting = painting(draws);
        return Sample.Row.of(sample.add("images", painting.image().apply(size)), painting.caption());
    }

    /// The caption of a sample, whose image is not painted for it.
    static String caption(Draws draws) {
        return painting(draws).caption();
    }

    private static Painting painting(Draws draws) {
        return painter(draws.unit()).of(draws);
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

    private static Painting plain(Draws draws) {
        Scene scene = Scene.captioned(draws);
        return new Painting(size -> Renderer.paint(scene, size), scene.caption());
    }

    private static Painting lit(Draws draws) {
        Scene scene = Scene.captioned(draws);
        double scale = draws.unit();
        return Painting.of(
                scene,
                scale < 0.5 ? "dim light" : "bright light",
                size -> scene.light().paint(Surface.of(scene, size), Statistics.ToneRange.BRIGHTNESS.mean(scale)));
    }

    private static Painting tinted(Draws draws) {
        Scene scene = Scene.captioned(draws);
        Light.Channels levels = Light.Channels.any(draws);
        return Painting.of(
                scene, levels.hue() + " light", size -> levels.paint(Surface.of(scene, size), scene.light()));
    }

    private static Painting blurred(Draws draws) {
        Scene scene = Scene.captioned(draws);
        double scale = draws.unit();
        return Painting.of(scene, Focus.word(scale), size -> Focus.of(Renderer.canvas(scene, size), scale));
    }

    private static Painting styled(Draws draws) {
        Scene scene = Scene.captioned(draws);
        Style style = draws.one(Style.BANK.toArray(Style[]::new));
        double strength = draws.unit();
        return Painting.of(
                scene,
                style.name().toLowerCase(Locale.ROOT) + " style",
                size -> style.apply(Renderer.canvas(scene, size), strength).toImage());
    }

    private static Painting dotted(Draws draws) {
        Scene scene = Scene.aboveBottom(draws);
        int count = 1 + draws.below(Surface.Dots.MOST);
        return Painting.of(scene, NUMBERS.get(count - 1), size -> Sample.dotted(scene, count, size));
    }

    private static Painting framed(Draws draws) {
        Scene scene = Scene.captioned(draws);
        return Painting.of(scene, "white frame", size -> Sample.framed(scene, size));
    }
}
