package io.stencil.service;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.EditImages;
import io.stencil.pipeline.GenerationRequest.ImageConditions;
import io.stencil.pipeline.Inpaint;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// A request for one or several images of one prompt. A value that is null is the service's default, which follows the
/// base model: a distilled model has 4 steps and guidance 1, a base model 50 and 4.
///
/// ```java
/// ImageRequest request = ImageRequest.of("a cat").n(4).seed(7).template("brightness", Map.of("scale", 0.8)).build();
/// ```
///
/// @param n number of images
/// @param seeds of the images' noise, 0 to 4294967295 each; empty where the service draws them
/// @param width in pixels; rounded up to a multiple of 16
/// @param height in pixels; rounded up to a multiple of 16
/// @param steps number of denoising steps of each image
/// @param guidance scale of classifier-free guidance; at 1 the negative side has no effect
/// @param embeddedGuidance for transformers that have a guidance embedding
/// @param strength in (0, 1]: how far the input image is noised before it is denoised again
/// @param images input image, edit images and mask
/// @param templates Templates that steer the images, in the order in which they run
/// @param loras LoRAs of this request
/// @param previewInterval steps from one preview to the next; 0 for none
public record ImageRequest(
        String prompt,
        String negativePrompt,
        int n,
        List<Long> seeds,
        @Nullable Integer width,
        @Nullable Integer height,
        @Nullable Integer steps,
        @Nullable Double guidance,
        @Nullable Double embeddedGuidance,
        double strength,
        ImageConditions images,
        List<TemplateUse> templates,
        List<LoraUse> loras,
        int previewInterval) {

    /// Largest seed: PyTorch's generator on the CPU takes 32 bits.
    static final long MAX_SEED = 0xFFFF_FFFFL;

    /// Of a number in a list.
    private static final long VALUE_BYTES = 24;

    /// Largest number of images of any service; each has its own limit below it.
    private static final int MAX_IMAGES = 1000;

    /// @throws InvalidRequestException naming the value that is null or out of range
    public ImageRequest {
        Arguments.require("prompt", prompt);
        Arguments.require("negative_prompt", negativePrompt);
        Arguments.require("images", images);
        seeds = Arguments.copyOf("seeds", seeds);
        templates = Arguments.copyOf("templates", templates);
        loras = Arguments.copyOf("loras", loras);
        requireCount(n);
        require(
                "seeds",
                seeds.isEmpty() || seeds.size() == n,
                "has %s values for %s images; give one for each image, or none".formatted(seeds.size(), n));
        for (long seed : seeds) {
            require("seed", seed >= 0 && seed <= MAX_SEED, "must be 0 to %s, found %s".formatted(MAX_SEED, seed));
        }
        require("previews", previewInterval >= 0, "must be 0 or more, found " + previewInterval);
    }

    private static void requireCount(int n) {
        require("n", n >= 1 && n <= MAX_IMAGES, "must be 1 to %s, found %s".formatted(MAX_IMAGES, n));
    }

    private static void require(String field, boolean holds, String fault) {
        if (!holds) {
            throw new InvalidRequestException(field, fault);
        }
    }

    /// Decodes the bytes of an image file.
    private static RgbImage decode(String field, byte[] file) {
        try {
            return RgbImageReader.read(Arguments.require(field, file), Location.ofField(field));
        } catch (InvalidFileException e) {
            throw new InvalidRequestException(Location.ofField(field), e.what(), e);
        }
    }

    /// A builder of a request for one image, with the service's defaults.
    public static Builder of(String prompt) {
        return new Builder(prompt);
    }

    /// The request with these seeds, one for each image.
    ImageRequest withSeeds(List<Long> drawn) {
        return new ImageRequest(
                prompt,
                negativePrompt,
                n,
                drawn,
                width,
                height,
                steps,
                guidance,
                embeddedGuidance,
                strength,
                images,
                templates,
                loras,
                previewInterval);
    }

    /// Memory of the images in the request, in bytes.
    long imageBytes() {
        long bytes = bytes(images.input())
                + (images.inpaint() == null ? 0 : bytes(images.inpaint().mask()));
        if (images.edit() != null) {
            bytes += images.edit().images().stream()
                    .mapToLong(ImageRequest::bytes)
                    .sum();
        }
        for (TemplateUse use : templates) {
            bytes += bytes(use.inputs()) + bytes(use.negativeInputs());
        }
        return bytes;
    }

    /// @return an estimate of the memory of Template inputs
    private static long bytes(@Nullable Object value) {
        return switch (value) {
            case RgbImage image -> image.rgb().length;
            case byte[] file -> file.length;
            case String text -> (long) Character.BYTES * text.length();
            case Map<?, ?> map ->
                map.values().stream().mapToLong(ImageRequest::bytes).sum();
            case List<?> list -> list.stream().mapToLong(ImageRequest::bytes).sum();
            case null -> 0;
            default -> VALUE_BYTES;
        };
    }

    /// A Template of the service and its inputs.
    ///
    /// @param name under which the service has the Template
    /// @param inputs of the prompt's side, by field: numbers, strings, booleans, [RgbImage]s, lists and maps of these,
    ///     as [TemplateInfo#inputSchema] says; `byte[]` is the content of an image file. No value names a file
    /// @param negativeInputs of the negative prompt's side; null where the Template does not steer that side
    public record TemplateUse(
            String name,
            Map<String, Object> inputs,
            @Nullable Map<String, Object> negativeInputs) {

        /// @throws InvalidRequestException naming what is null
        public TemplateUse {
            Arguments.require("templates.name", name);
            inputs = copy(name, inputs);
            negativeInputs = negativeInputs == null ? null : copy(name, negativeInputs);
        }

        /// A Template that steers the prompt's side alone.
        public TemplateUse(String name, Map<String, Object> inputs) {
            this(name, inputs, null);
        }

        private static Map<String, Object> copy(String template, Map<String, Object> inputs) {
            Map<String, Object> copy = new LinkedHashMap<>();
            Arguments.require("templates.%s.inputs".formatted(template), inputs).forEach((field, value) -> {
                String place = "templates.%s.inputs.%s".formatted(template, field);
                Arguments.require(place, value);
                copy.put(field, value instanceof byte[] file ? decode(place, file) : value);
            });
            return Collections.unmodifiableMap(copy);
        }
    }

    /// A LoRA of the service and its strength.
    ///
    /// @param name under which the service has the LoRA
    /// @param strength factor of the update, from -1000000 to 1000000, beside the scale that the file gives
    public record LoraUse(String name, double strength) {

        /// @throws InvalidRequestException when the name is null or the strength out of range
        public LoraUse {
            Arguments.require("loras.name", name);
            require(
                    "loras.strength",
                    Math.abs(strength) <= 1e6,
                    "must be a number from -1000000 to 1000000, found " + strength);
        }
    }

    /// Sets what differs from the defaults; [ImageRequest] says what each value means.
    public static final class Builder {

        private final String prompt;
        private String negativePrompt = "";
        private int n = 1;
        private @Nullable Long firstSeed;
        private @Nullable List<Long> seeds;
        private @Nullable Integer width;
        private @Nullable Integer height;
        private @Nullable Integer steps;
        private @Nullable Double guidance;
        private @Nullable Double embeddedGuidance;
        private double strength = 1;
        private final List<RgbImage> editImages = new ArrayList<>();
        private boolean autoResize = true;
        private @Nullable RgbImage inputImage;
        private @Nullable Inpaint inpaint;
        private boolean overlay;
        private final List<TemplateUse> templates = new ArrayList<>();
        private final List<LoraUse> loras = new ArrayList<>();
        private int previewInterval;

        private Builder(String prompt) {
            this.prompt = Arguments.require("prompt", prompt);
        }

        public Builder negativePrompt(String value) {
            negativePrompt = value;
            return this;
        }

        /// Sets the number of images.
        public Builder n(int value) {
            n = value;
            return this;
        }

        /// Sets the seed of the first image; each following image has the next one.
        public Builder seed(long value) {
            firstSeed = value;
            seeds = null;
            return this;
        }

        /// Sets the seed of each image, and the number of images.
        public Builder seeds(List<Long> values) {
            seeds = Arguments.copyOf("seeds", values);
            firstSeed = null;
            n = values.size();
            return this;
        }

        public Builder size(int newWidth, int newHeight) {
            return width(newWidth).height(newHeight);
        }

        public Builder width(int value) {
            width = value;
            return this;
        }

        public Builder height(int value) {
            height = value;
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

        public Builder embeddedGuidance(double value) {
            embeddedGuidance = value;
            return this;
        }

        /// Adds an image that the transformer sees beside the one it makes.
        public Builder editImage(RgbImage image) {
            editImages.add(Arguments.require("edit_image", image));
            return this;
        }

        /// Adds an image that the transformer sees beside the one it makes.
        ///
        /// @param file content of a JPEG, PNG, WebP or BMP file
        /// @throws InvalidRequestException when it is none
        public Builder editImage(byte[] file) {
            return editImage(decode("edit_image", file));
        }

        /// Sets whether edit images are brought to an area of about 1024 x 1024 pixels, which is the default.
        public Builder autoResize(boolean value) {
            autoResize = value;
            return this;
        }

        /// Sets the image to start from, and how far it is changed.
        public Builder inputImage(RgbImage image, double newStrength) {
            inputImage = Arguments.require("input_image", image);
            strength = newStrength;
            return this;
        }

        /// Restricts the change to the white part of a mask; the black part of the input image stays in the latents.
        public Builder mask(RgbImage mask) {
            return inpaint(new Inpaint(Arguments.require("mask", mask)));
        }

        /// Restricts the change to the white part of a mask that may be blurred.
        public Builder inpaint(Inpaint part) {
            inpaint = Arguments.require("mask", part);
            return this;
        }

        /// Sets whether the input image is laid over the generated one where the mask is black; the mask must have the
        /// input image's size then.
        public Builder overlay(boolean value) {
            overlay = value;
            return this;
        }

        /// Adds a Template that steers the prompt's side.
        public Builder template(String name, Map<String, Object> inputs) {
            return template(new TemplateUse(name, inputs));
        }

        public Builder template(TemplateUse use) {
            templates.add(Arguments.require("templates", use));
            return this;
        }

        public Builder lora(String name, double loraStrength) {
            loras.add(new LoraUse(name, loraStrength));
            return this;
        }

        /// Sets the number of steps from one preview to the next; 0, the default, for none.
        public Builder previews(int interval) {
            previewInterval = interval;
            return this;
        }

        /// @throws InvalidRequestException for a value that cannot be used, naming it
        public ImageRequest build() {
            return new ImageRequest(
                    prompt,
                    negativePrompt,
                    n,
                    allSeeds(),
                    width,
                    height,
                    steps,
                    guidance,
                    embeddedGuidance,
                    strength,
                    new ImageConditions(
                            inputImage,
                            editImages.isEmpty() ? null : new EditImages(editImages, autoResize),
                            inpaint,
                            overlay),
                    templates,
                    loras,
                    previewInterval);
        }

        private List<Long> allSeeds() {
            if (seeds != null) {
                return seeds;
            }
            if (firstSeed == null) {
                return List.of();
            }
            requireCount(n);
            long first = firstSeed;
            long last = first + n - 1;
            require(
                    "seed",
                    first >= 0 && last <= MAX_SEED,
                    "must be 0 to %s, found %s for the first of %s images".formatted(MAX_SEED, first, n));
            return LongStream.rangeClosed(first, last).boxed().toList();
        }
    }
}
