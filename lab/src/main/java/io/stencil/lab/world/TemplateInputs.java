package io.stencil.lab.world;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/// What a row hands to a Template: the components, as they stand, are the keys.
sealed interface TemplateInputs {

    /// A degree from 0 to 1.
    record Scale(double scale) implements TemplateInputs {}

    /// A degree for each channel.
    record Channels(
            @JsonProperty("R") double red,
            @JsonProperty("G") double green,
            @JsonProperty("B") double blue) implements TemplateInputs {}

    /// A picture, and what is to be made of it.
    record PictureAndPrompt(String image, String prompt) implements TemplateInputs {}

    /// A picture alone.
    record Picture(String image) implements TemplateInputs {}

    /// A picture, and where it is to be made anew: white in `mask`.
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
