package io.stencil.lab.evaluate;

import static io.stencil.lab.evaluate.ValueMeasures.CHANNELS;
import static io.stencil.lab.evaluate.ValueMeasures.STEERED;
import static io.stencil.lab.evaluate.ValueMeasures.UNSTEERED;
import static io.stencil.lab.evaluate.ValueMeasures.brightness;
import static io.stencil.lab.evaluate.ValueMeasures.captionsRight;
import static io.stencil.lab.evaluate.ValueMeasures.softRgb;
import static io.stencil.lab.evaluate.ValueMeasures.underLight;
import static io.stencil.lab.evaluate.ValueMeasures.unsteered;
import static io.stencil.lab.evaluate.ValueMeasures.zeroToOne;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.lab.evaluate.Finding.Target;
import io.stencil.lab.evaluate.Measure.Column;
import io.stencil.lab.evaluate.Measure.Steerer;
import io.stencil.lab.evaluate.Measure.Subject;
import io.stencil.lab.evaluate.Measure.Subjects;
import io.stencil.lab.evaluate.Painter.Steering;
import io.stencil.lab.evaluate.Trials.Trial;
import io.stencil.lab.evaluate.ValueMeasures.Trait;
import io.stencil.lab.world.Canvas;
import io.stencil.lab.world.Description;
import io.stencil.lab.world.Draws;
import io.stencil.lab.world.Judge;
import io.stencil.lab.world.Light;
import io.stencil.lab.world.Plane;
import io.stencil.lab.world.Renderer;
import io.stencil.lab.world.Scene;
import io.stencil.lab.world.Statistics;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/// Templates whose inputs are images.
final class ImageMeasures {

    private static final ImageSize SIZE = HeldOut.SIZE;
    private static final String UNCHANGED = "mean difference outside the mask, 0 to 1";
    /// Softness of a shape's edge, in pixels of 64.
    private static final double EDGE = 1.5;
    /// Strength of the noise from which upscaling begins.
    private static final double UPSCALE_STRENGTH = 0.05;
    /// Least gain of upscaling over the input resized, in dB.
    private static final double UPSCALE_GAIN = 0.5;
    private static final int WHITE_FROM = 128;

    private ImageMeasures() {}

    /// A map of depth against the shape that the image shows. Captions leave its size and place open.
    static Measure<Scene> control() {
        return new Measure<>("control", 1.4, HeldOut.scenes(40, 3, Scene::open), "control")
                .given("map", scene -> Renderer.depth(scene, SIZE))
                .painted(UNSTEERED, unsteered())
                .painted(STEERED, (painter, scene, _) -> List.of(control(painter, scene)))
                .atLeast(
                        0.75,
                        "overlap (IoU) with the wanted shape",
                        trials -> trials.mean(STEERED, ImageMeasures::overlap))
                .metric(
                        new Target.Below(0.4),
                        "overlap without the Template",
                        trials -> trials.mean(UNSTEERED, ImageMeasures::overlap))
                .report("caption right", captionsRight(STEERED))
                .strip("structure from a map of depth", 3);
    }

    private static Steering control(Painter painter, Scene scene) {
        return imageAndPrompt("control", painter.keep(Renderer.depth(scene, SIZE)), scene.caption());
    }

    private static double overlap(Scene scene, RgbImage image) {
        return Statistics.overlap(
                Renderer.coverage(scene.described().figure(), scene.placement(), SIZE), Judge.coverage(image));
    }

    /// "make it red" against the colours of the image, and the part that was not to change against the one before.
    static Measure<Scene.Edit> edit() {
        return new Measure<>("edit", 1.4, HeldOut.subjects(60, 4, ImageMeasures::edit, Scene.Edit::instruction), "edit")
                .given("before", edit -> Renderer.paint(edit.before(), SIZE))
                .painted(STEERED, true, Subject::prompt, (painter, edit, _) -> {
                    String before = painter.keep(Renderer.paint(edit.before(), SIZE));
                    return List.of(imageAndPrompt("edit", before, edit.instruction()));
                })
                .atLeast(
                        0.8,
                        "the requested colour is right",
                        trials -> trials.share(trial -> isRight(trials, trial, recolours(trial.content()))))
                .atLeast(
                        0.8,
                        "the other colour stays",
                        trials -> trials.share(trial -> isRight(trials, trial, !recolours(trial.content()))))
                .metric(
                        new Target.AtMost(0.06),
                        "mean difference of the rest, 0 to 1",
                        trials -> trials.mean(ImageMeasures::leavesRest, ImageMeasures::restDifference))
                .report("share of the edits that leave a rest", trials -> trials.share(ImageMeasures::leavesRest))
                .report(
                        "overlap (IoU) with the shape before",
                        trials -> trials.mean(STEERED, (edit, image) -> overlap(edit.after(), image)))
                .strip("edits", 4);
    }

    private static Scene.Edit edit(long seed, int index) {
        Draws draws = new Draws(seed, index);
        return Scene.Edit.any(Scene.full(draws), draws);
    }

    /// Whether the edit changes the shape, not the background.
    private static boolean recolours(Scene.Edit edit) {
        return edit.after().described().colour() != edit.before().described().colour();
    }

    private static boolean isRight(Trials<Scene.Edit> trials, Trial<Scene.Edit> trial, boolean shape) {
        return (shape ? Trait.COLOUR : Trait.BACKGROUND)
                .isRight(trial.content().after().described(), trials.verdict(trial.image(STEERED)));
    }

    private static boolean leavesRest(Trial<Scene.Edit> trial) {
        return !Double.isNaN(restDifference(trial));
    }

    /// The mean difference outside of the shape with its edge, or of the background with it; NaN where nothing is left,
    /// as of a thin ring whose background changes.
    private static double restDifference(Trial<Scene.Edit> trial) {
        Scene after = trial.content().after();
        boolean shape = recolours(trial.content());
        Plane soft = Renderer.coverage(after.described().figure(), after.placement(), SIZE)
                .blurred(EDGE);
        Plane changed = Plane.of(SIZE, (x, y) -> (shape ? soft.at(x, y) > 0.02 : soft.at(x, y) < 0.98) ? 1 : 0);
        return Statistics.differenceOutside(
                Canvas.of(_ -> changed).toImage(), trial.image("before"), trial.image(STEERED));
    }

    /// Images that have lost their detail: how near to the original they come, against resizing alone. Painting
    /// begins at the image resized, with a little noise on it, as upscalers are used. The Template has to gain over
    /// the base model's own gain; its gain from noise alone is reported.
    static Measure<Scene> upscale() {
        return new Measure<>("upscale", 1, HeldOut.scenes(40, 3, Scene::captioned), "upscale")
                .given("original", scene -> Renderer.paint(scene, SIZE))
                .given("resized", ImageMeasures::reduced)
                .column(paintedOver("upscaled", true, ImageMeasures::upscale))
                .column(paintedOver(UNSTEERED, false, unsteered()))
                .painted("from noise", false, Subject::prompt, ImageMeasures::upscale)
                .atLeast(
                        UPSCALE_GAIN,
                        "gain over the input resized, in dB PSNR",
                        trials -> psnr(trials, "upscaled") - psnr(trials, "resized"))
                .metric(
                        new Target.Above(0),
                        "gain over the same without the Template, in dB PSNR",
                        trials -> psnr(trials, "upscaled") - psnr(trials, UNSTEERED))
                .report("PSNR of the input resized, in dB", trials -> psnr(trials, "resized"))
                .report("PSNR of the image made, in dB", trials -> psnr(trials, "upscaled"))
                .report("PSNR from noise alone, in dB", trials -> psnr(trials, "from noise"))
                .strip("detail", 3);
    }

    private static RgbImage reduced(Scene scene) {
        return Renderer.reduced(Renderer.paint(scene, SIZE));
    }

    private static List<Steering> upscale(Painter painter, Scene scene, double ignored) {
        return List.of(imageAndPrompt("upscale", painter.keep(reduced(scene)), scene.caption()));
    }

    private static Column<Scene> paintedOver(String group, boolean shown, Steerer<Scene> steerer) {
        return new Column<>(group, 0, shown, _ -> group, (painter, subject) -> {
            Scene scene = subject.content();
            List<Steering> steering = steerer.of(painter, scene, 0);
            return painter.paintOver(reduced(scene), UPSCALE_STRENGTH, subject.prompt(), subject.noise(), steering);
        });
    }

    private static double psnr(Trials<Scene> trials, String group) {
        return trials.mean(trial -> Statistics.psnr(trial.image("original"), trial.image(group)));
    }

    /// A part of an image painted anew: the rest against the one before, the part against the prompt.
    static Measure<Scene.Inpaint> inpaint() {
        return new Measure<>("inpaint", 2, inpaintScenes(40, 3), "inpaint")
                .given("before", Scene.Inpaint::source)
                .given("mask", Scene.Inpaint::mask)
                .painted(STEERED, true, Subject::prompt, (painter, scene, _) -> List.of(inpaint(painter, scene)))
                .metric(new Target.AtMost(0), UNCHANGED, outsideDifference(STEERED))
                .atLeast(0.8, "colour inside right", insideShows(Trait.COLOUR))
                .report("shape inside right", insideShows(Trait.FIGURE))
                .report(
                        "mean difference from the world's own image inside",
                        trials -> trials.mean(
                                STEERED,
                                (scene, image) -> Statistics.differenceInside(scene.mask(), scene.target(), image)))
                .strip("a part made anew", 3);
    }

    private static Subjects<Scene.Inpaint> inpaintScenes(int full, int least) {
        return HeldOut.subjects(
                full,
                least,
                (seed, index) -> Scene.Inpaint.of(new Draws(seed, index), SIZE),
                scene -> scene.wanted().caption());
    }

    private static Steering inpaint(Painter painter, Scene.Inpaint scene) {
        return Steering.of(
                "inpaint",
                fields -> fields.put("image", painter.keep(scene.source()))
                        .put("mask", painter.keep(scene.mask()))
                        .put("force_inpaint", true));
    }

    private static ToDoubleFunction<Trials<Scene.Inpaint>> insideShows(Trait trait) {
        return trials -> trials.share(
                trial -> trait.isRight(trial.content().wanted().described(), trials.verdict(trial.image(STEERED))));
    }

    /// 0 from a Template that lays the source over the part that it keeps.
    private static ToDoubleFunction<Trials<Scene.Inpaint>> outsideDifference(String... groups) {
        return trials -> Stream.of(groups)
                .mapToDouble(group -> trials.mean(
                        group, (scene, image) -> Statistics.differenceOutside(scene.mask(), scene.source(), image)))
                .average()
                .orElseThrow();
    }

    /// @param tinted another scene under coloured light
    /// @param neutral the same under white light
    record Reference(Scene scene, RgbImage tinted, RgbImage neutral) {}

    /// A reference image under coloured light: how far the image's colours move, from those with the same reference
    /// under white light, against how far the light's did.
    static Measure<Reference> palette() {
        return new Measure<>(
                        "palette",
                        1.4,
                        HeldOut.subjects(
                                30, 4, ImageMeasures::reference, r -> r.scene().caption()),
                        "palette")
                .given("reference", Reference::tinted)
                .painted("neutral", (painter, reference, _) -> palette(painter, reference.neutral()))
                .painted("steered", (painter, reference, _) -> palette(painter, reference.tinted()))
                .atLeast(0.8, "correlation with the reference's red over green", balanceCorrelation(0))
                .atLeast(0.8, "correlation with the reference's green over blue", balanceCorrelation(1))
                .strip("light from a reference", 3);
    }

    private static Reference reference(long seed, int index) {
        Draws draws = new Draws(seed + 1, index);
        Scene open = Scene.open(draws);
        Scene other = open.with(open.described().withBackground(Description.Background.GRAY));
        return new Reference(
                Scene.captioned(new Draws(seed, index)),
                underLight(other, Light.strongTint(draws)),
                underLight(other, new Light.Albedo(1, 1, 1)));
    }

    private static List<Steering> palette(Painter painter, RgbImage reference) {
        return List.of(Steering.of("palette", fields -> fields.put("image", painter.keep(reference))));
    }

    private static ToDoubleFunction<Trials<Reference>> balanceCorrelation(int axis) {
        return trials -> Statistics.pearson(
                trials.values(trial -> balance(trial.content().tinted(), axis)
                        - balance(trial.content().neutral(), axis)),
                trials.values(trial -> balance(trial.image("steered"), axis) - balance(trial.image("neutral"), axis)));
    }

    /// The logarithm of one channel's mean over the next one's.
    private static double balance(RgbImage image, int axis) {
        return Math.log(Statistics.channelMean(image, axis) / Statistics.channelMean(image, axis + 1));
    }

    /// Brightness and Control at once.
    static Measure<Scene> brightnessAndControl() {
        return new Measure<>("brightness+control", 2, HeldOut.scenes(12, 2, Scene::open), "brightness", "control")
                .sweep(
                        "scale",
                        zeroToOne(5),
                        (painter, scene, scale) -> List.of(brightness(scale), control(painter, scene)))
                .atLeast(
                        0.95,
                        "Spearman of scale and brightness, all images",
                        trials -> trials.spearman("scale", Statistics::meanBrightness))
                .atLeast(
                        0.75,
                        "overlap (IoU) with the wanted shape",
                        trials -> trials.mean("scale", ImageMeasures::overlap))
                .rows("scale", 2);
    }

    /// SoftRGB and Inpaint at once: the rest stays, and the part that is painted anew has the tint. The strength of the
    /// tint, which must fit to the rest, is free; it has to follow the inputs.
    static Measure<Scene.Inpaint> softRgbAndInpaint() {
        Measure<Scene.Inpaint> both = new Measure<>("soft-rgb+inpaint", 2, inpaintScenes(16, 2), "soft-rgb", "inpaint");
        for (int i = 0; i < CHANNELS.size(); i++) {
            int channel = i;
            String group = CHANNELS.get(channel);
            Steerer<Scene.Inpaint> steerer =
                    (painter, scene, level) -> List.of(oneChannel(channel, level), inpaint(painter, scene));
            for (double level : zeroToOne(3)) {
                both.column(
                        new Column<>(group, level, level == 1, _ -> "much " + group, Measure.steered(steerer, level)));
            }
            both.atLeast(
                    0.9,
                    "Spearman of %s and its channel inside the mask".formatted(group),
                    trials -> trials.mean(trial -> Statistics.spearman(
                            trial.sweep(group),
                            trial.measured(
                                    group, image -> inside(trial.content().mask(), image, channel)))));
        }
        return both.metric(new Target.AtMost(0), UNCHANGED, outsideDifference(CHANNELS.toArray(String[]::new)))
                .strip("tint inside the mask", 3);
    }

    /// One channel at a level, the others at the middle.
    private static Steering oneChannel(int channel, double level) {
        List<Double> channels = new ArrayList<>(List.of(0.5, 0.5, 0.5));
        channels.set(channel, 0.25 + 0.5 * level);
        return softRgb(channels);
    }

    /// The mean of a channel where the mask is white.
    private static double inside(RgbImage mask, RgbImage image, int channel) {
        double sum = 0;
        int count = 0;
        for (int y = 0; y < image.height(); y++) {
            for (int x = 0; x < image.width(); x++) {
                if (mask.sample(x, y, 0) >= WHITE_FROM) {
                    sum += image.sample(x, y, channel) / 255.0;
                    count++;
                }
            }
        }
        return sum / count;
    }

    private static Steering imageAndPrompt(String template, String image, String prompt) {
        return Steering.of(template, fields -> fields.put("image", image).put("prompt", prompt));
    }
}
