package io.stencil.cli;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.Inpaint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Reads the options of a generation request, those of Templates and LoRAs excepted.
@SuppressWarnings("NullAway.Init") // fields are set by picocli before a command runs
final class RequestOptions {

    @Option(names = "--prompt", paramLabel = "TEXT", required = true, description = "What the image shows.")
    private String prompt;

    @Option(
            names = "--negative_prompt",
            paramLabel = "TEXT",
            description = "What it is guided away from; has an effect when --cfg_scale is not 1.")
    private String negativePrompt = "";

    @Option(
            names = "--cfg_scale",
            paramLabel = "N",
            description = "Guidance; 1 is none. Default: the model's, 4 for FLUX.2 klein base, else 1.")
    private @Nullable Double cfgScale;

    @Option(
            names = "--embedded_guidance",
            paramLabel = "N",
            description = "For transformers with a guidance embedding. Default: ${DEFAULT-VALUE}.")
    private double embeddedGuidance = 4;

    @Option(
            names = "--height",
            paramLabel = "PIXELS",
            description = "Rounded up to a multiple of 16. Default: ${DEFAULT-VALUE}.")
    private int height = 1024;

    @Option(
            names = "--width",
            paramLabel = "PIXELS",
            description = "Rounded up to a multiple of 16. Default: ${DEFAULT-VALUE}.")
    private int width = 1024;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Of the noise, 0 to 4294967295. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--num_inference_steps",
            paramLabel = "N",
            description = "Default: the model's, 4 for FLUX.2 klein, 50 for FLUX.2 klein base, else 30.")
    private @Nullable Integer steps;

    @Option(names = "--input_image", paramLabel = "FILE", description = "Image to start from.")
    private @Nullable Path inputImage;

    @Option(
            names = "--denoising_strength",
            paramLabel = "S",
            description = "How far the input image is changed, above 0 to 1. Default: ${DEFAULT-VALUE}.")
    private double denoisingStrength = 1;

    @Option(names = "--edit_image", paramLabel = "FILE", description = "Image to refer to; may be repeated.")
    private List<Path> editImages = new ArrayList<>();

    @Option(
            names = "--edit_image_auto_resize",
            arity = "1",
            paramLabel = "true|false",
            description = "Bring edit images to about 1024 x 1024 pixels. Default: true.")
    private @Nullable Boolean editImageAutoResize;

    @Option(
            names = "--inpaint_mask",
            paramLabel = "FILE",
            description = "White where the input image is made anew, black where it stays.")
    private @Nullable Path inpaintMask;

    @Option(
            names = "--inpaint_blur_size",
            paramLabel = "N",
            description = "Reach of the mask's blur in latent pixels (16 pixels each). Default: 0, none.")
    private @Nullable Integer inpaintBlurSize;

    @Option(names = "--inpaint_blur_sigma", paramLabel = "N", description = "Of that blur. Default: 1.")
    private @Nullable Double inpaintBlurSigma;

    @Option(
            names = "--inpaint_overlay",
            description = "Lay the input image, resized and cropped, over the result where the mask is black. "
                    + "The mask must have the input image's size, and is cropped like it.")
    private boolean inpaintOverlay;

    private final Map<RgbImage, Path> paths = new HashMap<>();

    /// The request, with its images.
    ///
    /// @throws io.stencil.error.StencilException naming the option or image that cannot be used
    GenerationRequest read() {
        GenerationRequest.Builder builder = GenerationRequest.of(prompt)
                .negativePrompt(negativePrompt)
                .embeddedGuidance(embeddedGuidance)
                .size(height, width)
                .seed(seed)
                .denoisingStrength(denoisingStrength);
        if (cfgScale != null) {
            builder.cfgScale(cfgScale);
        }
        if (steps != null) {
            builder.steps(steps);
        }
        if (inputImage != null) {
            builder.inputImage(image(inputImage));
        }
        if (!editImages.isEmpty()) {
            builder.editImages(new EditImages(
                    editImages.stream().map(this::image).toList(), editImageAutoResize == null || editImageAutoResize));
        } else if (editImageAutoResize != null) {
            throw new InvalidRequestException(
                    "edit_image_auto_resize", "needs --edit_image: there is no image to resize");
        }
        requireBlurIsUsed();
        if (inpaintMask != null) {
            builder.inpaint(new Inpaint(
                    image(inpaintMask),
                    inpaintBlurSize == null ? 0 : inpaintBlurSize,
                    inpaintBlurSigma == null ? 1 : inpaintBlurSigma));
        }
        builder.inpaintOverlay(inpaintOverlay);
        return builder.build();
    }

    private RgbImage image(Path file) {
        RgbImage image = RgbImageReader.read(file);
        paths.put(image, file);
        return image;
    }

    /// The files of the images that were read.
    Map<RgbImage, Path> paths() {
        return paths;
    }

    /// The images that are read, by option.
    Map<String, List<Path>> files() {
        Map<String, List<Path>> files = new LinkedHashMap<>();
        files.put("--input_image", inputImage == null ? List.of() : List.of(inputImage));
        files.put("--edit_image", editImages);
        files.put("--inpaint_mask", inpaintMask == null ? List.of() : List.of(inpaintMask));
        return files;
    }

    private void requireBlurIsUsed() {
        String blur = inpaintBlurSize != null ? "inpaint_blur_size" : "inpaint_blur_sigma";
        if (inpaintMask == null && (inpaintBlurSize != null || inpaintBlurSigma != null)) {
            throw new InvalidRequestException(blur, "needs --inpaint_mask: there is no mask to blur");
        }
        if (inpaintBlurSigma != null && (inpaintBlurSize == null || inpaintBlurSize == 0)) {
            throw new InvalidRequestException(
                    "inpaint_blur_sigma", "needs --inpaint_blur_size of 1 or more: without it there is no blur");
        }
    }
}
