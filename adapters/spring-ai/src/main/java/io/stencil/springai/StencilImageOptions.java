package io.stencil.springai;

import io.stencil.error.Arguments;
import io.stencil.image.RgbImage;
import io.stencil.service.ImageRequest.LoraUse;
import io.stencil.service.ImageRequest.TemplateUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.image.ImageOptions;

/// Options of one prompt, or the default options of a [StencilImageModel]. What is null or empty is left open: a
/// prompt's options leave it to those of the model, and those to the service.
///
/// ```java
/// var options = StencilImageOptions.builder().size(512, 512).template("brightness", Map.of("scale", 0.8)).build();
/// ImageResponse response = model.call(new ImagePrompt("a lighthouse at dusk", options));
/// ```
///
/// @param model name of the service's base model, for code that names one
/// @param n number of images
/// @param width in pixels; rounded up to a multiple of 16
/// @param height in pixels; rounded up to a multiple of 16
/// @param seed of the first image, 0 to 4294967295; each following image has the next one
/// @param steps number of denoising steps of each image
/// @param guidance scale of classifier-free guidance
/// @param negativePrompt what images should not show; has an effect where the guidance is not 1
/// @param inputImage image to start from
/// @param strength in (0, 1]: how far the input image is changed
/// @param mask white where the input image is to change, black where it stays
/// @param templates Templates that steer the images
/// @param loras LoRAs of the request
public record StencilImageOptions(
        @Nullable String model,
        @Nullable Integer n,
        @Nullable Integer width,
        @Nullable Integer height,
        @Nullable Long seed,
        @Nullable Integer steps,
        @Nullable Double guidance,
        @Nullable String negativePrompt,
        @Nullable RgbImage inputImage,
        @Nullable Double strength,
        @Nullable RgbImage mask,
        List<TemplateUse> templates,
        List<LoraUse> loras)
        implements ImageOptions {

    /// The only form of images that are made in this process.
    static final String BASE64 = "b64_json";

    public StencilImageOptions {
        templates = Arguments.copyOf("templates", templates);
        loras = Arguments.copyOf("loras", loras);
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Reads the options that Spring AI's image models have in common.
    ///
    /// @param options those of a prompt, or null
    static StencilImageOptions of(@Nullable ImageOptions options) {
        return switch (options) {
            case null -> builder().build();
            case StencilImageOptions own -> own;
            case ImageOptions other -> {
                Builder builder = builder();
                builder.model = other.getModel();
                builder.n = other.getN();
                builder.width = other.getWidth();
                builder.height = other.getHeight();
                yield builder.build();
            }
        };
    }

    /// Fills what these options leave open.
    StencilImageOptions or(StencilImageOptions defaults) {
        return new StencilImageOptions(
                first(model, defaults.model),
                first(n, defaults.n),
                first(width, defaults.width),
                first(height, defaults.height),
                first(seed, defaults.seed),
                first(steps, defaults.steps),
                first(guidance, defaults.guidance),
                first(negativePrompt, defaults.negativePrompt),
                first(inputImage, defaults.inputImage),
                first(strength, defaults.strength),
                first(mask, defaults.mask),
                templates.isEmpty() ? defaults.templates : templates,
                loras.isEmpty() ? defaults.loras : loras);
    }

    private static <T> @Nullable T first(@Nullable T value, @Nullable T otherwise) {
        return value == null ? otherwise : value;
    }

    @Override
    public @Nullable Integer getN() {
        return n;
    }

    @Override
    public @Nullable String getModel() {
        return model;
    }

    @Override
    public @Nullable Integer getWidth() {
        return width;
    }

    @Override
    public @Nullable Integer getHeight() {
        return height;
    }

    /// Returns `b64_json`: images come back in base64, and there are no URLs.
    @Override
    public String getResponseFormat() {
        return BASE64;
    }

    /// Returns null: styles are Templates and LoRAs here.
    @Override
    public @Nullable String getStyle() {
        return null;
    }

    /// Sets what the options say; [StencilImageOptions] says what each value means.
    public static final class Builder {

        private @Nullable String model;
        private @Nullable Integer n;
        private @Nullable Integer width;
        private @Nullable Integer height;
        private @Nullable Long seed;
        private @Nullable Integer steps;
        private @Nullable Double guidance;
        private @Nullable String negativePrompt;
        private @Nullable RgbImage inputImage;
        private @Nullable Double strength;
        private @Nullable RgbImage mask;
        private final List<TemplateUse> templates = new ArrayList<>();
        private final List<LoraUse> loras = new ArrayList<>();

        private Builder() {}

        public Builder model(String value) {
            model = value;
            return this;
        }

        public Builder n(int value) {
            n = value;
            return this;
        }

        public Builder size(int newWidth, int newHeight) {
            width = newWidth;
            height = newHeight;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder steps(int value) {
            steps = value;
            return this;
        }

        public Builder guidance(double value) {
            guidance = value;
            return this;
        }

        public Builder negativePrompt(String value) {
            negativePrompt = value;
            return this;
        }

        /// Sets the image to start from, and how far it is changed: above 0, and 1 for wholly.
        public Builder inputImage(RgbImage image, double newStrength) {
            inputImage = image;
            strength = newStrength;
            return this;
        }

        /// Restricts the change to the white part of a mask.
        public Builder mask(RgbImage value) {
            mask = value;
            return this;
        }

        /// Adds a Template that steers the prompt's side.
        public Builder template(String name, Map<String, Object> inputs) {
            return template(new TemplateUse(name, inputs));
        }

        public Builder template(TemplateUse use) {
            templates.add(use);
            return this;
        }

        public Builder lora(String name, double loraStrength) {
            loras.add(new LoraUse(name, loraStrength));
            return this;
        }

        public StencilImageOptions build() {
            return new StencilImageOptions(
                    model,
                    n,
                    width,
                    height,
                    seed,
                    steps,
                    guidance,
                    negativePrompt,
                    inputImage,
                    strength,
                    mask,
                    templates,
                    loras);
        }
    }
}
