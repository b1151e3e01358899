package io.stencil.lab.world;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.stencil.image.RgbImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// One row of a dataset, with all images that it names.
record Sample(Row row, List<Picture> pictures) {

    /// @param path relative to the dataset's folder
    record Picture(String path, RgbImage image) {}

    Sample {
        pictures = List.copyOf(pictures);
    }

    /// Names images after the sample's index: a folder for each role.
    static final class Builder {

        private final long index;
        private final List<Picture> pictures = new ArrayList<>();

        Builder(long index) {
            this.index = index;
        }

        /// Adds an image and returns its path.
        String add(String role, RgbImage image) {
            String path = String.format(Locale.ROOT, "%s/%06d.png", role, index);
            pictures.add(new Picture(path, image));
            return path;
        }

        Sample build(Row row) {
            return new Sample(row, pictures);
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

    /// What a row hands to a Template: the components, as they stand, are the keys.
    sealed interface TemplateInputs {

        /// A degree from 0 to 1.
        record Scale(double scale) implements TemplateInputs {}

        /// A degree for each channel.
        record Channels(
                @JsonProperty("R") double red,
                @JsonProperty("G") double green,
                @JsonProperty("B") double blue) implements TemplateInputs {}

        /// An image, and what is to be made of it.
        record PictureAndPrompt(String image, String prompt) implements TemplateInputs {}

        /// An image alone.
        record Picture(String image) implements TemplateInputs {}

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
