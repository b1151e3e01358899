package io.stencil.lab.evaluate;

import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.Measure.Effort;
import io.stencil.lab.evaluate.Measure.Steerer;
import io.stencil.lab.evaluate.Measure.Subject;
import io.stencil.lab.evaluate.Measure.Subjects;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.evaluate.Trials.Trial;
import io.stencil.lab.world.Description;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Light;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import io.stencil.lab.world.Style;
import io.stencil.lab.world.Surface;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The base model, and Templates whose inputs are numbers.
final class ValueMeasures {

    static final String STEERED = "with";
    static final String UNSTEERED = "without";
    static final List<String> CHANNELS = List.of("R", "G", "B");
    /// Least contrast of a frame with the rest, in brightness; in the world it is 0.1 to 0.8.
    private static final double FRAME_CONTRAST = 0.08;
    /// A trait of a scene that captions name and the judge recognises.
    enum Trait {
        BACKGROUND,
        COLOUR,
        FIGURE,
        SIZE,
        POSITION;

        boolean isRight(Description caption, Judge.Verdict verdict) {
            Judge.Verdict.Shape shape = verdict.shape();
            return switch (this) {
                case BACKGROUND -> verdict.background() == caption.background();
                case COLOUR -> shape != null && shape.colour() == caption.colour();
                case FIGURE -> shape != null && shape.figure() == caption.figure();
                case SIZE -> shape != null && shape.size() == caption.size();
                case POSITION -> shape != null && shape.position() == caption.position();
            };
        }
    }

    private ValueMeasures() {}

    /// A caption, and whether it is one that no row of the base model's dataset has.
    record Captioned(Scene scene, boolean rowless) {}

    /// The base model alone: how often an image shows its caption, of any caption, and of such as no row of its dataset
    /// has.
    static Measure<Captioned> base() {
        Measure<Captioned> base = new Measure<>("base", 3, ValueMeasures::captions);
        base.painted(UNSTEERED, true, Subject::prompt, unsteered());
        for (boolean rowless : List.of(false, true)) {
            String prefix = rowless ? "captions of no row: " : "";
            Predicate<Captioned> among = caption -> caption.rowless() == rowless;
            base.atLeast(
                            0.9,
                            prefix + (rowless ? "colour right" : "colour of the shape right"),
                            shows(among, Trait.COLOUR))
                    .atLeast(0.9, prefix + "background right", shows(among, Trait.BACKGROUND))
                    .atLeast(0.75, prefix + "shape right", shows(among, Trait.FIGURE));
        }
        return base.report(
                        "shape right, where size and position are open",
                        shows(caption -> isDrawn(caption, described -> described.size() == null), Trait.FIGURE))
                .report(
                        "size right, where the caption names it",
                        shows(caption -> isDrawn(caption, described -> described.size() != null), Trait.SIZE))
                .report(
                        "position right, where the caption names it",
                        shows(caption -> isDrawn(caption, described -> described.position() != null), Trait.POSITION))
                .strip("captions", 6, caption -> !caption.rowless())
                .strip("captions that no row of the dataset has", 6, Captioned::rowless);
    }

    private static List<Subject<Captioned>> captions(Effort effort) {
        List<Subject<Captioned>> subjects = new ArrayList<>();
        for (boolean rowless : List.of(false, true)) {
            Subjects<Scene> scenes =
                    rowless ? HeldOut.captionsOfNoRow(200, 10) : HeldOut.scenes(200, 10, Scene::captioned);
            for (Subject<Scene> scene : scenes.of(effort)) {
                subjects.add(new Subject<>(scene.prompt(), scene.noise(), new Captioned(scene.content(), rowless)));
            }
        }
        return subjects;
    }

    private static boolean isDrawn(Captioned caption, Predicate<Description> among) {
        return !caption.rowless() && among.test(caption.scene().described());
    }

    private static ToDoubleFunction<Trials<Captioned>> shows(Predicate<Captioned> among, Trait trait) {
        return trials -> trials.share(
                trial -> among.test(trial.content()),
                trial -> trait.isRight(trial.content().scene().described(), trials.verdict(trial.image(UNSTEERED))));
    }

    /// `{scale}` against the mean brightness of the image.
    static Measure<Scene> brightness() {
        return new Measure<>("brightness", 3, HeldOut.scenes(20, 2, Scene::captioned), "brightness")
                .sweep("scale", zeroToOne(9), (_, _, scale) -> List.of(brightness(scale)))
                .atLeast(
                        0.95,
                        "Spearman of scale and brightness, all images",
                        trials -> trials.spearman("scale", Statistics::meanBrightness))
                .report(
                        "the same within a caption",
                        trials -> trials.within("scale", Statistics::spearman, Statistics::meanBrightness))
                .atLeast(0.85, "caption still right", captionsRight("scale"))
                .rows("scale", 2);
    }

    static Steering brightness(double scale) {
        return Steering.of("brightness", "scale", scale);
    }

    /// A scene, and the means of the channels that it has under some strong tint.
    record Tinted(Scene scene, List<Double> channels) {}

    /// `{R, G, B}` against the means of the image's channels. The inputs are those that the scene has under some
    /// strong tint, for no light makes a red shape on pink blue. Captions alone give away some of that, so the same
    /// is reported without the Template.
    static Measure<Tinted> softRgb() {
        Measure<Tinted> measure = new Measure<>(
                "soft-rgb",
                2,
                HeldOut.subjects(60, 8, ValueMeasures::tinted, t -> t.scene().caption()),
                "soft-rgb");
        measure.painted(
                        STEERED,
                        true,
                        ValueMeasures::channelLabel,
                        (_, tinted, _) -> List.of(softRgb(tinted.channels())))
                .painted(UNSTEERED, false, Subject::prompt, unsteered());
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            measure.atLeast(
                    0.9,
                    "correlation of %s and its channel".formatted(CHANNELS.get(channel)),
                    channelCorrelation(STEERED, channel));
        }
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            measure.report(
                    "the same of %s without the Template".formatted(CHANNELS.get(channel)),
                    channelCorrelation(UNSTEERED, channel));
        }
        return measure.strip("channels", 6);
    }

    private static Tinted tinted(long seed, int index) {
        Scene scene = Scene.captioned(new Draws(seed, index));
        RgbImage image = underLight(scene, Light.strongTint(new Draws(seed + 1, index)));
        List<Double> channels = new ArrayList<>();
        for (int channel = 0; channel < CHANNELS.size(); channel++) {
            channels.add(Statistics.ToneRange.CHANNEL.scale(Statistics.channelMean(image, channel)));
        }
        return new Tinted(scene, channels);
    }

    private static ToDoubleFunction<Trials<Tinted>> channelCorrelation(String group, int channel) {
        return trials -> Statistics.pearson(
                trials.values(trial -> trial.content().channels().get(channel)),
                trials.values(trial -> Statistics.channelMean(trial.image(group), channel)));
    }

    private static String channelLabel(Subject<Tinted> subject) {
        return String.format(
                Locale.ROOT,
                "R %.2f G %.2f B %.2f",
                subject.content().channels().toArray());
    }

    static Steering softRgb(List<Double> channels) {
        return Steering.of("soft-rgb", fields -> {
            for (int channel = 0; channel < CHANNELS.size(); channel++) {
                fields.put(CHANNELS.get(channel), channels.get(channel));
            }
        });
    }

    /// `{scale}` against the energy of the image's gradients. That depends on the colours of a scene, so the
    /// correlation is taken within a caption, and over those captions that the base model shows without the Template
    /// from the same noise: where it draws no shape there is no edge to sharpen, and the Template is not at fault.
    static Measure<Scene> sharpness() {
        return new Measure<>("sharpness", 1.4, HeldOut.scenes(40, 4, Scene::captioned), "sharpness")
                .sweep("scale", zeroToOne(9), (_, _, scale) -> List.of(Steering.of("sharpness", "scale", scale)))
                .painted(UNSTEERED, false, Subject::prompt, unsteered())
                .atLeast(
                        0.9,
                        "correlation of scale and gradient energy, within a caption",
                        trials -> trials.mean(isShown(trials), ValueMeasures::energyCorrelation))
                .report("share of captions shown without the Template", trials -> trials.share(isShown(trials)))
                .report("the correlation over all captions", trials -> trials.mean(ValueMeasures::energyCorrelation))
                .report("Spearman of both, all images", trials -> trials.spearman("scale", Statistics::gradientEnergy))
                .report("caption still right", captionsRight("scale"))
                .rows("scale", 2);
    }

    /// Whether the base model alone shows the caption.
    private static Predicate<Trial<Scene>> isShown(Trials<Scene> trials) {
        return trial -> isCaptionRight(trial.content().described(), trials.verdict(trial.image(UNSTEERED)));
    }

    private static double energyCorrelation(Trial<Scene> trial) {
        return Statistics.pearson(trial.sweep("scale"), trial.measured("scale", Statistics::gradientEnergy));
    }

    /// A bank of LoRAs: the score of each style against its scale.
    static Measure<Scene> styles() {
        Measure<Scene> styles = new Measure<>("styles", 2, HeldOut.scenes(10, 2, Scene::captioned), "styles");
        for (Style style : Style.BANK) {
            String label = style.name().toLowerCase(Locale.ROOT);
            styles.sweep(label, zeroToOne(5), (_, _, scale) -> List.of(style(style, scale)))
                    .atLeast(
                            0.9,
                            "Spearman of scale and score of " + label + ", within a caption",
                            trials -> trials.within(
                                    label, Statistics::spearman, image -> Statistics.styleScore(style, image)))
                    .rows(label, 1);
        }
        return styles;
    }

    private static Steering style(Style style, double scale) {
        return Steering.of("styles", fields -> {
            fields.putArray("lora_ids").add(Style.BANK.indexOf(style));
            fields.putArray("lora_scales").add(scale);
            fields.put("merge_type", Style.MERGE);
        });
    }

    static RgbImage underLight(Scene scene, Light.Albedo tint) {
        return Renderer.paint(scene.with(scene.light().tinted(tint)), HeldOut.SIZE);
    }

    /// `{n}` against the number of dots that the image shows.
    static Measure<Scene> count() {
        List<Double> numbers = IntStream.rangeClosed(1, Surface.Dots.MOST)
                .asDoubleStream()
                .boxed()
                .toList();
        return new Measure<>("count", 1.4, HeldOut.scenes(20, 2, Scene::aboveBottom), "count")
                .sweep("n", numbers, (_, _, n) -> List.of(Steering.of("count", fields -> fields.put("n", (int) n))))
                .metric(
                        new Target.Above(0),
                        "least step of the mean number of dots from n to n + 1",
                        trials -> trials.leastStep("n", Statistics::dots))
                .atLeast(0.9, "Spearman of n and dots, all images", trials -> trials.spearman("n", Statistics::dots))
                .rows("n", 2);
    }

    /// A Template without inputs: with it every image has a white frame, without it none has.
    static Measure<Scene> frame() {
        return new Measure<>("frame", 1.4, HeldOut.scenes(40, 4, Scene::captioned), "frame")
                .painted(UNSTEERED, unsteered())
                .painted(STEERED, (_, _, _) -> List.of(Steering.of("frame", _ -> {})))
                .atLeast(0.95, "framed with the Template", framed(STEERED))
                .metric(new Target.AtMost(0.05), "framed without it", framed(UNSTEERED))
                .strip("a style without inputs", 4);
    }

    private static ToDoubleFunction<Trials<Scene>> framed(String group) {
        return trials -> trials.share(trial -> Statistics.styleScore(Style.FRAME, trial.image(group)) > FRAME_CONTRAST);
    }

    static <S> Steerer<S> unsteered() {
        return (_, _, _) -> List.of();
    }

    /// Values at equal distances from 0 to 1.
    static List<Double> zeroToOne(int count) {
        return range(0, 1, count);
    }

    static List<Double> range(double first, double last, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> first + (last - first) * i / (count - 1.0))
                .toList();
    }

    /// The share of a group's images that show figure, colour and background of their captions.
    static ToDoubleFunction<Trials<Scene>> captionsRight(String group) {
        return trials ->
                trials.mean(group, (scene, image) -> isCaptionRight(scene.described(), trials.verdict(image)) ? 1 : 0);
    }

    private static boolean isCaptionRight(Description caption, Judge.Verdict verdict) {
        return Stream.of(Trait.BACKGROUND, Trait.COLOUR, Trait.FIGURE)
                .allMatch(trait -> trait.isRight(caption, verdict));
    }
}
