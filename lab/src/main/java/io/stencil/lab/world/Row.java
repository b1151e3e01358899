package io.stencil.lab.world;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/// A line of the metadata file. Paths are relative to its folder.
///
/// @param image what is to be learnt
/// @param prompt goes to the text encoder
/// @param templateInputs goes to the Template, or null for pictures without one
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
