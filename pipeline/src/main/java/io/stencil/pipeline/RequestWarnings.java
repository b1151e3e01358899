package io.stencil.pipeline;

import io.stencil.flux2.text.PromptLength;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Finds the values of a request that these models do not use, or not as a whole, although they are valid.
final class RequestWarnings {

    /// Denoising from this noise level on leaves nothing of an input image.
    private static final float PURE_NOISE = 0.9999f;

    private final GenerationRequest request;
    private final ModelSet models;
    private final ImageSize size;
    private final List<String> warnings = new ArrayList<>();

    private RequestWarnings(GenerationRequest request, ModelSet models, ImageSize size) {
        this.request = request;
        this.models = models;
        this.size = size;
    }

    /// @param size of the image that is made
    /// @return one line each
    static List<String> of(GenerationRequest request, ModelSet models, ImageSize size) {
        RequestWarnings found = new RequestWarnings(request, models, size);
        found.size();
        found.prompt("prompt", request.positive().prompt());
        if (request.isGuided()) {
            found.prompt("negative_prompt", request.negative().prompt());
        } else {
            found.negativeSide();
        }
        found.embeddedGuidance();
        found.inputImage();
        found.mask();
        return found.warnings;
    }

    private void size() {
        ImageSize requested = new ImageSize(request.width(), request.height());
        if (!requested.equals(size)) {
            warnings.add("width and height are rounded up to multiples of 16: the image has %s pixels instead of %s"
                    .formatted(size, requested));
        }
    }

    private void prompt(String parameter, String prompt) {
        if (models.textEncoder() == null) {
            return;
        }
        PromptLength length = models.textEncoder().length(prompt);
        if (length.isCut()) {
            warnings.add(length.warning(parameter));
        }
    }

    private void negativeSide() {
        SideConditions negative = request.negative();
        if (!negative.prompt().isEmpty()) {
            warnings.add("negative_prompt has no effect: there is no guidance at cfg_scale 1");
        }
        if (!negative.kvCache().blocks().isEmpty() || !negative.lora().isEmpty() || negative.textEmbedding() != null) {
            warnings.add("the Template cache of the negative side has no effect: there is no guidance at cfg_scale 1");
        }
    }

    private void embeddedGuidance() {
        boolean chosen = request.embeddedGuidance() != GenerationRequest.DEFAULT_EMBEDDED_GUIDANCE;
        if (chosen && !models.requireTransformer().config().guidanceEmbeds()) {
            warnings.add("embedded_guidance has no effect: this transformer has no guidance embedding; use cfg_scale");
        }
    }

    private void inputImage() {
        GenerationRequest.ImageConditions image = request.image();
        if (image.input() != null
                && image.inpaint() == null
                && request.schedule().sigma(0) > PURE_NOISE) {
            warnings.add(
                    "input_image has no effect: with denoising_strength %s and %s steps denoising begins at pure noise; lower the strength, and take more than one step"
                            .formatted(request.denoisingStrength(), request.steps()));
        }
    }

    /// Without an overlay the mask is stretched to the image, while the input image is cropped to it.
    private void mask() {
        GenerationRequest.ImageConditions image = request.image();
        if (image.inpaint() == null || image.overlay()) {
            return;
        }
        RgbImage input = Objects.requireNonNull(image.input());
        double scale = Math.max((double) size.width() / input.width(), (double) size.height() / input.height());
        double cropped = Math.max(input.width() * scale - size.width(), input.height() * scale - size.height());
        if (cropped >= 16) {
            warnings.add(
                    "inpaint_mask is stretched to %s pixels, while input_image (%s) is cropped to them, so that they do not lie on each other; use images of the ratio that is made, or inpaint_overlay"
                            .formatted(size, input.size()));
        }
    }
}
