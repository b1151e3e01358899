package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import java.util.List;

/// Samples of the datasets, a method each.
public final class Samples {

    /// Folder of the images to be learnt; those that a Template takes have other folders.
    private static final String TARGET = "images";

    /// Factor by which images are reduced that have lost their detail.
    private static final int FACTOR = 4;

    private Samples() {}

    /// Images and captions, for a base model.
    static Sample.Row plain(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        return Sample.Row.of(sample.add(TARGET, Renderer.paint(scene, size)), scene.caption());
    }

    /// Images whose mean brightness is spread evenly over [ToneRange#BRIGHTNESS], with that as `scale`.
    static Sample.Row brightness(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        double wanted = ToneRange.BRIGHTNESS.mean(draws.unit());
        RgbImage image = Lighting.lit(Surface.of(scene, size), scene.light(), wanted);
        double scale = ToneRange.BRIGHTNESS.scale(PixelStatistics.meanBrightness(image));
        return Sample.Row.of(sample.add(TARGET, image), scene.caption(), new Sample.TemplateInputs.Scale(scale));
    }

    /// Images under tinted light, with the means of their channels as `R`, `G`, `B`.
    static Sample.Row rgb(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        Surface surface = Surface.of(scene, size);
        RgbImage image = Lighting.Channels.any(draws).paint(surface, scene.light());
        Sample.TemplateInputs inputs =
                new Sample.TemplateInputs.Channels(scale(image, 0), scale(image, 1), scale(image, 2));
        return Sample.Row.of(sample.add(TARGET, image), scene.caption(), inputs);
    }

    private static double scale(RgbImage image, int channel) {
        return ToneRange.CHANNEL.scale(PixelStatistics.channelMean(image, channel));
    }

    /// Images out of focus, by any `scale` of [Focus].
    static Sample.Row sharpness(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        double scale = ToneRange.rounded(draws.unit());
        return Sample.Row.of(
                sample.add(TARGET, Focus.of(Renderer.canvas(scene, size), scale)),
                scene.caption(),
                new Sample.TemplateInputs.Scale(scale));
    }

    /// Images with a map of depth, which tells what their captions leave open: size and position.
    static Sample.Row control(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.open(draws);
        String depth = sample.add("depth", Renderer.depth(scene, size));
        return Sample.Row.of(
                sample.add(TARGET, Renderer.paint(scene, size)),
                scene.caption(),
                new Sample.TemplateInputs.PictureAndPrompt(depth, scene.caption()));
    }

    /// Images before and after a change, and the words that ask for it.
    static Sample.Row edit(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene.Edit edit = Scene.Edit.any(Scene.full(draws), draws);
        String source = sample.add("sources", Renderer.paint(edit.before(), size));
        return new Sample.Row(
                sample.add(TARGET, Renderer.paint(edit.after(), size)),
                edit.instruction(),
                new Sample.TemplateInputs.PictureAndPrompt(source, edit.instruction()),
                source);
    }

    /// Images, and what is left of them when they are made small and large again.
    static Sample.Row upscale(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        RgbImage image = Renderer.paint(scene, size);
        String source = sample.add("sources", reduced(image));
        return Sample.Row.of(
                sample.add(TARGET, image),
                scene.caption(),
                new Sample.TemplateInputs.PictureAndPrompt(source, scene.caption()));
    }

    /// Images of which a part is to be made anew: [InpaintScene].
    static Sample.Row inpaint(Draws draws, Sample.Builder sample, ImageSize size) {
        InpaintScene scene = InpaintScene.of(draws, size);
        Sample.TemplateInputs inputs = new Sample.TemplateInputs.Inpaint(
                sample.add("sources", scene.source()), sample.add("masks", scene.mask()), true);
        return Sample.Row.of(sample.add(TARGET, scene.target()), scene.wanted().caption(), inputs);
    }

    /// Images in one of three styles, for a bank of LoRAs: its number is the id, its strength the scale.
    static Sample.Row style(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        int id = draws.below(Style.BANK.size());
        double strength = ToneRange.rounded(draws.unit());
        Canvas picture = Style.BANK.get(id).apply(Renderer.canvas(scene, size), strength);
        return Sample.Row.of(
                sample.add(TARGET, picture.toImage()),
                scene.caption(),
                new Sample.TemplateInputs.LoraBank(List.of(id), List.of(strength), Style.MERGE));
    }

    /// Images under coloured light, and another scene under light of the same colour: on grey, where that is plain to
    /// see.
    static Sample.Row reference(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        Scene open = Scene.open(draws);
        Scene other = open.with(open.described().withBackground(Description.Background.GRAY));
        Light.Albedo tint = Light.strongTint(draws);
        String reference =
                sample.add("references", Renderer.paint(other.with(other.light().tinted(tint)), size));
        return Sample.Row.of(
                sample.add(TARGET, Renderer.paint(scene.with(scene.light().tinted(tint)), size)),
                scene.caption(),
                new Sample.TemplateInputs.Picture(reference));
    }

    /// Images with `n` white dots below the shape, which is never at the bottom.
    static Sample.Row ordinal(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.aboveBottom(draws);
        int count = 1 + draws.below(Dots.MOST);
        return Sample.Row.of(
                sample.add(TARGET, dotted(scene, count, size)),
                scene.caption(),
                new Sample.TemplateInputs.Ordinal(count));
    }

    static RgbImage dotted(Scene scene, int count, ImageSize size) {
        return Dots.on(Surface.of(scene, size), count).lit(scene.light()).toImage();
    }

    /// Images in a white frame, which no input asks for.
    static Sample.Row constant(Draws draws, Sample.Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        return Sample.Row.of(
                sample.add(TARGET, framed(scene, size)), scene.caption(), new Sample.TemplateInputs.None());
    }

    static RgbImage framed(Scene scene, ImageSize size) {
        return Style.FRAME.apply(Renderer.canvas(scene, size), 1).toImage();
    }

    /// An image made small, to a quarter of its sides, and large again.
    public static RgbImage reduced(RgbImage image) {
        ImageSize small = new ImageSize(image.width() / FACTOR, image.height() / FACTOR);
        RgbImage reduced = Resampler.resize(image, small, Resampler.Filter.BICUBIC);
        return Resampler.resize(reduced, image.size(), Resampler.Filter.BICUBIC);
    }
}
