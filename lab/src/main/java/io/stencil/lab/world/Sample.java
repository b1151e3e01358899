package io.stencil.lab.world;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// One row of a dataset, with all images that it names.
record Sample(Row row, List<NamedImage> images) {

    /// Folder of the images to be learnt; those that a Template takes have other folders.
    private static final String TARGET = "images";

    /// @param path relative to the dataset's folder
    record NamedImage(String path, RgbImage image) {}

    Sample {
        images = List.copyOf(images);
    }

    /// Images and captions, for a base model.
    static Row plain(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        return Row.of(sample.add(TARGET, Renderer.paint(scene, size)), scene.caption());
    }

    /// Images whose mean brightness is spread evenly over [Statistics.ToneRange#BRIGHTNESS], with that as `scale`.
    static Row brightness(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        double target = Statistics.ToneRange.BRIGHTNESS.mean(draws.unit());
        RgbImage image = scene.light().paint(Surface.of(scene, size), target);
        // Whole pixel values may miss the target by a thousandth, at either end too.
        double scale = Math.clamp(Statistics.ToneRange.BRIGHTNESS.scale(Statistics.meanBrightness(image)), 0, 1);
        return Row.of(sample.add(TARGET, image), scene.caption(), new TemplateInputs.Scale(scale));
    }

    /// Images under tinted light, with the means of their channels as `R`, `G`, `B`.
    static Row rgb(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        Surface surface = Surface.of(scene, size);
        RgbImage image = Light.Channels.any(draws).paint(surface, scene.light());
        TemplateInputs inputs = new TemplateInputs.Channels(scale(image, 0), scale(image, 1), scale(image, 2));
        return Row.of(sample.add(TARGET, image), scene.caption(), inputs);
    }

    private static double scale(RgbImage image, int channel) {
        return Statistics.ToneRange.CHANNEL.scale(Statistics.channelMean(image, channel));
    }

    /// Images out of focus, by any `scale` of [Focus].
    static Row sharpness(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        double scale = Statistics.ToneRange.rounded(draws.unit());
        return Row.of(
                sample.add(TARGET, Focus.of(Renderer.canvas(scene, size), scale)),
                scene.caption(),
                new TemplateInputs.Scale(scale));
    }

    /// Images with a map of depth, which shows what their captions leave open: size and position.
    static Row control(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.open(draws);
        String depth = sample.add("depth", Renderer.depth(scene, size));
        return Row.of(
                sample.add(TARGET, Renderer.paint(scene, size)),
                scene.caption(),
                new TemplateInputs.ImageAndPrompt(depth, scene.caption()));
    }

    /// Images before and after a change, and its instruction.
    static Row edit(Draws draws, Builder sample, ImageSize size) {
        Scene.Edit edit = Scene.Edit.any(Scene.full(draws), draws);
        String source = sample.add("sources", Renderer.paint(edit.before(), size));
        return new Row(
                sample.add(TARGET, Renderer.paint(edit.after(), size)),
                edit.instruction(),
                new TemplateInputs.ImageAndPrompt(source, edit.instruction()),
                source);
    }

    /// Images, and what is left of them when they are made small and large again.
    static Row upscale(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        RgbImage image = Renderer.paint(scene, size);
        String source = sample.add("sources", Renderer.reduced(image));
        return Row.of(
                sample.add(TARGET, image), scene.caption(), new TemplateInputs.ImageAndPrompt(source, scene.caption()));
    }

    /// Images of which a part is to be made anew: [Scene.Inpaint].
    static Row inpaint(Draws draws, Builder sample, ImageSize size) {
        Scene.Inpaint scene = Scene.Inpaint.of(draws, size);
        TemplateInputs inputs = new TemplateInputs.Inpaint(
                sample.add("sources", scene.source()), sample.add("masks", scene.mask()), true);
        return Row.of(sample.add(TARGET, scene.target()), scene.wanted().caption(), inputs);
    }

    /// Images in one of three styles, for a bank of LoRAs: its number is the id, its strength the scale.
    static Row style(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        int id = draws.below(Style.BANK.size());
        double strength = Statistics.ToneRange.rounded(draws.unit());
        Canvas canvas = Style.BANK.get(id).apply(Renderer.canvas(scene, size), strength);
        return Row.of(
                sample.add(TARGET, canvas.toImage()),
                scene.caption(),
                new TemplateInputs.LoraBank(List.of(id), List.of(strength), Style.MERGE));
    }

    /// Images under coloured light, and another scene under light of the same colour: on grey, where that is plain to
    /// see.
    static Row reference(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        Scene open = Scene.open(draws);
        Scene other = open.with(open.described().withBackground(Description.Background.GRAY));
        Light.Albedo tint = Light.strongTint(draws);
        String reference =
                sample.add("references", Renderer.paint(other.with(other.light().tinted(tint)), size));
        return Row.of(
                sample.add(TARGET, Renderer.paint(scene.with(scene.light().tinted(tint)), size)),
                scene.caption(),
                new TemplateInputs.Image(reference));
    }

    /// Images with `n` white dots below the shape, which is never at the bottom.
    static Row ordinal(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.aboveBottom(draws);
        int count = 1 + draws.below(Surface.Dots.MOST);
        return Row.of(
                sample.add(TARGET, dotted(scene, count, size)), scene.caption(), new TemplateInputs.Ordinal(count));
    }

    static RgbImage dotted(Scene scene, int count, ImageSize size) {
        return Surface.Dots.on(Surface.of(scene, size), count)
                .lit(scene.light())
                .toImage();
    }

    /// Images in a white frame, for a Template without inputs.
    static Row constant(Draws draws, Builder sample, ImageSize size) {
        Scene scene = Scene.captioned(draws);
        return Row.of(sample.add(TARGET, framed(scene, size)), scene.caption(), new TemplateInputs.None());
    }

    static RgbImage framed(Scene scene, ImageSize size) {
        return Style.FRAME.apply(Renderer.canvas(scene, size), 1).toImage();
    }

    /// Names images after the sample's index: a folder for each role.
    static final class Builder {

        private final long index;
        private final List<NamedImage> images = new ArrayList<>();

        Builder(long index) {
            this.index = index;
        }

        /// Adds an image and returns its path.
        String add(String role, RgbImage image) {
            String path = String.format(Locale.ROOT, "%s/%06d.png", role, index);
            images.add(new NamedImage(path, image));
            return path;
        }

        Sample build(Row row) {
            return new Sample(row, images);
        }
    }

    /// A line of the metadata file. Paths are relative to its folder.
    ///
    /// @param image what is to be learnt
    /// @param prompt goes to the text encoder
    /// @param templateInputs goes to the Template, or null for images without one
    /// @param editImage goes to the transformer beside the noise, or null
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Row(
            String image,
            String prompt,
            @JsonProperty("template_inputs") @Nullable TemplateInputs templateInputs,
            @JsonProperty("edit_image") @Nullable String editImage) {

        static Row of(String image, String prompt) {
            return new Row(image, prompt, null, null);
        }

        static Row of(String image, String prompt, TemplateInputs templateInputs) {
            return new Row(image, prompt, templateInputs, null);
        }
    }

    /// Template inputs of a row: the components' names are the keys.
    sealed interface TemplateInputs {

        /// A degree from 0 to 1.
        record Scale(double scale) implements TemplateInputs {}

        /// A degree for each channel.
        record Channels(
                @JsonProperty("R") double red,
                @JsonProperty("G") double green,
                @JsonProperty("B") double blue) implements TemplateInputs {}

        /// An image, and what is to be made of it.
        record ImageAndPrompt(String image, String prompt) implements TemplateInputs {}

        /// An image alone.
        record Image(String image) implements TemplateInputs {}

        /// An image, and where it is to be made anew: white in `mask`.
        record Inpaint(
                String image,
                String mask,
                @JsonProperty("force_inpaint") boolean forceInpaint) implements TemplateInputs {}

        /// Which of a bank of LoRAs, how strong, and how several are joined.
        record LoraBank(
                @JsonProperty("lora_ids") List<Integer> ids,
                @JsonProperty("lora_scales") List<Double> scales,
                @JsonProperty("merge_type") String mergeType)
                implements TemplateInputs {
            public LoraBank {
                ids = List.copyOf(ids);
                scales = List.copyOf(scales);
            }
        }

        /// A rank, 1 and up.
        record Ordinal(int n) implements TemplateInputs {}

        /// Nothing: the Template does always the same.
        record None() implements TemplateInputs {}
    }
}
