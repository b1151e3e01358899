package io.stencil.template;

import io.stencil.image.RgbImage;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.Inpaint;

/// A parameter of the generation, beside what steers one side, that a Template may set.
public sealed interface PipelineSetting {

    record InputImage(RgbImage image) implements PipelineSetting {}

    record InpaintMask(Inpaint inpaint) implements PipelineSetting {}

    /// What the mask keeps is the input image in the generated image too, and not in the latents alone.
    record InpaintOverlay() implements PipelineSetting {}

    record References(EditImages images) implements PipelineSetting {}

    record DenoisingStrength(double strength) implements PipelineSetting {}

    record EmbeddedGuidance(double guidance) implements PipelineSetting {}

    /// Name of the parameter, as on the command line.
    default String parameter() {
        return switch (this) {
            case InputImage _ -> "input_image";
            case InpaintMask _ -> "inpaint_mask";
            case InpaintOverlay _ -> "inpaint_overlay";
            case References _ -> "edit_image";
            case DenoisingStrength _ -> "denoising_strength";
            case EmbeddedGuidance _ -> "embedded_guidance";
        };
    }

    /// Bytes of the images that the setting holds.
    default long imageBytes() {
        return switch (this) {
            case InputImage(RgbImage image) -> image.rgb().length;
            case InpaintMask(Inpaint inpaint) -> inpaint.mask().rgb().length;
            case References(EditImages images) ->
                images.images().stream().mapToLong(image -> image.rgb().length).sum();
            case InpaintOverlay _, DenoisingStrength _, EmbeddedGuidance _ -> 0;
        };
    }

    /// Replaces the parameter in a request that is being built.
    default GenerationRequest.Builder applyTo(GenerationRequest.Builder request) {
        return switch (this) {
            case InputImage(RgbImage image) -> request.inputImage(image);
            case InpaintMask(Inpaint inpaint) -> request.inpaint(inpaint);
            case InpaintOverlay _ -> request.inpaintOverlay(true);
            case References(EditImages images) -> request.editImages(images);
            case DenoisingStrength(double strength) -> request.denoisingStrength(strength);
            case EmbeddedGuidance(double guidance) -> request.embeddedGuidance(guidance);
        };
    }
}
