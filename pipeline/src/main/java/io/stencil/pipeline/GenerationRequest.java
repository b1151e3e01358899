package io.stencil.pipeline;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.files.LoraFile;
import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelKind;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorDefect;
import io.stencil.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A request for [Flux2Pipeline#generate].
///
/// ```java
/// GenerationRequest request = GenerationRequest.of("a cat").size(512, 512).steps(4).seed(0).build();
/// ```
///
/// @param positive the prompt and what steers its side
/// @param negative the other side; computed only when `cfgScale` is not 1
/// @param cfgScale guidance, from -1000000 to 1000000: `v_neg + cfgScale * (v_pos - v_neg)` (Ho and Salimans 2022,
/// arXiv:2207.12598); null for the model's default
/// @param embeddedGuidance given to transformers that have a guidance embedding, from -1000000 to 1000000
/// @param height in pixels; rounded up to a multiple of 16
/// @param width in pixels; rounded up to a multiple of 16
/// @param seed of the noise, 0 to 4294967295: PyTorch's generator on the CPU takes 32 bits
/// @param noise `[1, 128, H/16, W/16]`, used in place of the seed; finite
/// @param steps number of denoising steps; null for the model's default
/// @param denoisingStrength in (0, 1]: how far an input image is noised before it is denoised again
/// @param image the images that go in
/// @param loras LoRA files for this request alone, beside those that the pipeline has loaded
public record GenerationRequest(
        SideConditions positive,
        SideConditions negative,
        @Nullable Double cfgScale,
        double embeddedGuidance,
        int height,
        int width,
        long seed,
        @Nullable Tensor noise,
        @Nullable Integer steps,
        double denoisingStrength,
        ImageConditions image,
        List<LoraUse> loras) {

    /// Pixels of one latent token along a side.
    private static final int TOKEN = 16;

    private static final int MAX_STEPS = 1_000_000;

    /// Largest absolute guidance; the products of more leave float32.
    private static final double MAX_GUIDANCE = 1e6;

    /// Largest seed. Of a larger one the generator would take the lower 32 bits, and give another seed's noise.
    private static final long MAX_SEED = 0xFFFF_FFFFL;

    static final double DEFAULT_EMBEDDED_GUIDANCE = 4;

    private static final String FREED =
            "is a tensor that was freed with the scope it was made in; keep that scope open until generate() returns";

    public GenerationRequest {
        Arguments.require("positive", positive);
        Arguments.require("negative", negative);
        Arguments.require("image", image);
        loras = Arguments.copyOf("loras", loras);
        require("height", height >= 1, "must be at least 1, found " + height);
        require("width", width >= 1, "must be at least 1, found " + width);
        require(
                "height",
                (long) Math.ceilDiv(height, TOKEN) * TOKEN * (Math.ceilDiv(width, TOKEN) * (long) TOKEN)
                        <= RgbImage.MAX_PIXELS,
                "%s and width %s are more than %s pixels together".formatted(height, width, RgbImage.MAX_PIXELS));
        require(
                "num_inference_steps",
                steps == null || (steps >= 1 && steps <= MAX_STEPS),
                "must be at least 1 and at most %s, found %s".formatted(MAX_STEPS, steps));
        require(
                "denoising_strength",
                denoisingStrength > 0 && denoisingStrength <= 1,
                "must be above 0 and at most 1, found " + denoisingStrength);
        if (cfgScale != null) {
            requireGuidance("cfg_scale", cfgScale);
        }
        requireGuidance("embedded_guidance", embeddedGuidance);
        requireSeed("seed", seed);
        if (steps != null) {
            schedule(steps, denoisingStrength, height, width);
        }
        if (noise != null) {
            requireNoise(noise, Math.ceilDiv(height, TOKEN), Math.ceilDiv(width, TOKEN));
        }
        require(
                "inpaint_mask",
                image.inpaint() == null || image.input() != null,
                "needs an input image: the part outside the mask is taken from it");
        int reach = image.inpaint() == null ? 0 : image.inpaint().blurSize();
        int most = Math.ceilDiv(Math.min(height, width), TOKEN) - 1;
        require(
                "inpaint_blur_size",
                reach == 0 || reach <= most,
                "must be at most %s for an image of %s x %s pixels, found %s".formatted(most, width, height, reach));
    }

    /// Checks that there are the images that other values need. A request may be built without them, for a Template
    /// may bring them.
    ///
    /// @throws InvalidRequestException when `denoisingStrength` is below 1 and there is no input image, or an overlay
    ///     is requested and there is no mask, or one of another size than the input image
    public void requireImages() {
        require(
                "denoising_strength",
                denoisingStrength == 1 || image.input() != null,
                "is %s, but there is no image to start from; give --input_image, or leave it out"
                        .formatted(denoisingStrength));
        if (image.overlay()) {
            requireMask(image.input(), image.inpaint());
        }
    }

    private static void requireSeed(String parameter, long seed) {
        require(parameter, seed >= 0 && seed <= MAX_SEED, "must be 0 to %s, found %s".formatted(MAX_SEED, seed));
    }

    /// Checks the seeds of several images of this request.
    ///
    /// @return a copy of the seeds
    /// @throws InvalidRequestException when there is none, one is out of range, or the request has noise of its own and
    ///     there are several
    public List<Long> requireSeeds(List<Long> seeds) {
        List<Long> copy = Arguments.copyOf("seeds", seeds);
        require("seeds", !copy.isEmpty(), "holds none; give a seed for each image");
        for (int i = 0; i < copy.size(); i++) {
            requireSeed("seeds[%s]".formatted(i), copy.get(i));
        }
        require("noise", noise == null || copy.size() == 1, "is that of one image, and there are seeds of several");
        return copy;
    }

    /// Returns a request in which steps and guidance are those of the model, where this one sets none.
    ///
    /// @param kind of the model, from [io.stencil.pipeline.models.ModelSet#kind]
    /// @throws InvalidRequestException when the other values do not go with the model's steps
    public GenerationRequest withDefaults(ModelKind kind) {
        return steps != null && cfgScale != null
                ? this
                : toBuilder().defaults(kind).build();
    }

    private static void requireGuidance(String parameter, double guidance) {
        require(
                parameter,
                Math.abs(guidance) <= MAX_GUIDANCE,
                "must be a number from -1000000 to 1000000, found " + guidance);
    }

    private static void requireNoise(Tensor noise, long rows, long columns) {
        require("noise", !TensorDefect.of(noise).equals(Optional.of(TensorDefect.FREED)), FREED);
        long[] shape = {1, 128, rows, columns};
        require(
                "noise",
                Arrays.equals(Tensors.shape(noise), shape),
                "must be %s, found %s".formatted(Arrays.toString(shape), Arrays.toString(Tensors.shape(noise))));
        require("noise", Tensors.isFinite(noise), "holds values that are not finite (NaN or infinity)");
    }

    /// Returns the size of the generated image: both sides rounded up to multiples of 16.
    public ImageSize imageSize() {
        return new ImageSize(Math.ceilDiv(width, TOKEN) * TOKEN, Math.ceilDiv(height, TOKEN) * TOKEN);
    }

    /// The noise levels of the steps, which are set.
    FlowMatchSchedule schedule() {
        return schedule(Objects.requireNonNull(steps), denoisingStrength, height, width);
    }

    private static FlowMatchSchedule schedule(int steps, double denoisingStrength, int height, int width) {
        return FlowMatchSchedule.inference(
                steps, denoisingStrength, FlowMatchSchedule.dynamicShiftLength(height, width));
    }

    private static void requireMask(@Nullable RgbImage input, @Nullable Inpaint inpaint) {
        if (input == null || inpaint == null) {
            throw new InvalidRequestException(
                    "inpaint_overlay", "needs an inpaint mask: it selects what of the input image stays");
        }
        require(
                "inpaint_overlay",
                inpaint.mask().size().equals(input.size()),
                "needs a mask of the input image's size, %s pixels, for both are cropped alike; found %s"
                        .formatted(input.size(), inpaint.mask().size()));
    }

    /// A builder with the defaults: 1024 x 1024 pixels, seed 0, steps and guidance of the [model][ModelKind].
    public static Builder of(String prompt) {
        return new Builder(SideConditions.of(prompt));
    }

    /// A builder that begins with this request's values.
    public Builder toBuilder() {
        Builder builder = new Builder(positive);
        builder.negative = negative;
        builder.cfgScale = cfgScale;
        builder.embeddedGuidance = embeddedGuidance;
        builder.height = height;
        builder.width = width;
        builder.seed = seed;
        builder.noise = noise;
        builder.steps = steps;
        builder.denoisingStrength = denoisingStrength;
        builder.image = image;
        builder.loras = loras;
        return builder;
    }

    /// Keeps all tensors of the request in memory until `scope` is closed, whatever other threads close meanwhile.
    ///
    /// @throws InvalidRequestException naming one that is freed already, or a LoRA of several samples
    void hold(Scope scope) {
        hold("noise", noise, scope);
        hold("positive", positive, scope);
        hold("negative", negative, scope);
    }

    private static void hold(String side, SideConditions conditions, Scope scope) {
        hold(side + ".text_embedding", conditions.textEmbedding(), scope);
        conditions.kvCache().blocks().forEach((block, cached) -> {
            hold(side + ".kv_cache." + block.key(), cached.k(), scope);
            hold(side + ".kv_cache." + block.key(), cached.v(), scope);
        });
        conditions
                .lora()
                .updates()
                .forEach((layer, updates) -> updates.stream()
                        .flatMap(update -> update.tensors().stream())
                        .forEach(tensor -> hold(side + ".lora." + layer, tensor, scope)));
        conditions.lora().pairs().forEach((layer, pair) -> {
            if (pair.a().dim() == 3 && pair.a().size(0) != 1) {
                throw new InvalidRequestException(
                        side + ".lora." + layer,
                        "has updates of %s samples; a generation has one"
                                .formatted(pair.a().size(0)));
            }
        });
    }

    private static void hold(String field, @Nullable Tensor tensor, Scope scope) {
        if (tensor != null && !scope.hold(tensor)) {
            throw new InvalidRequestException(field, FREED);
        }
    }

    /// Returns whether the negative side is computed.
    ///
    /// @throws InvalidRequestException when the guidance is the model's default, see [#withDefaults]
    public boolean isGuided() {
        return Arguments.require("cfg_scale", cfgScale, "it is the model's default; call withDefaults(models.kind())")
                != 1;
    }

    private static void require(String parameter, boolean holds, String fault) {
        if (!holds) {
            throw new InvalidRequestException(parameter, fault);
        }
    }

    /// Sets what differs from the defaults; [GenerationRequest] says what each value means.
    public static final class Builder {
        private SideConditions positive;
        private SideConditions negative = SideConditions.of("");
        private @Nullable Double cfgScale;
        private double embeddedGuidance = DEFAULT_EMBEDDED_GUIDANCE;
        private int height = 1024;
        private int width = 1024;
        private long seed;
        private @Nullable Tensor noise;
        private @Nullable Integer steps;
        private double denoisingStrength = 1;
        private ImageConditions image = ImageConditions.none();
        private List<LoraUse> loras = List.of();

        private Builder(SideConditions positive) {
            this.positive = positive;
        }

        public Builder negativePrompt(String prompt) {
            negative = negative.withPrompt(prompt);
            return this;
        }

        public Builder size(int newHeight, int newWidth) {
            height = newHeight;
            width = newWidth;
            return this;
        }

        public Builder positive(SideConditions value) {
            positive = Arguments.require("positive", value);
            return this;
        }

        public Builder negative(SideConditions value) {
            negative = Arguments.require("negative", value);
            return this;
        }

        public Builder cfgScale(double value) {
            cfgScale = value;
            return this;
        }

        public Builder embeddedGuidance(double value) {
            embeddedGuidance = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder noise(Tensor value) {
            noise = value;
            return this;
        }

        public Builder steps(int value) {
            steps = value;
            return this;
        }

        /// Sets steps and guidance to those of a kind of model, where they are not set.
        public Builder defaults(ModelKind kind) {
            Arguments.require("kind", kind);
            steps = steps == null ? Integer.valueOf(kind.steps()) : steps;
            cfgScale = cfgScale == null ? Double.valueOf(kind.cfgScale()) : cfgScale;
            return this;
        }

        public Builder denoisingStrength(double value) {
            denoisingStrength = value;
            return this;
        }

        public Builder inputImage(RgbImage input) {
            image = new ImageConditions(input, image.edit(), image.inpaint(), image.overlay());
            return this;
        }

        public Builder editImages(EditImages images) {
            image = new ImageConditions(image.input(), images, image.inpaint(), image.overlay());
            return this;
        }

        public Builder inpaint(Inpaint part) {
            image = new ImageConditions(image.input(), image.edit(), part, image.overlay());
            return this;
        }

        /// Whether what the mask keeps is the input image in the generated image too, and not in the latents alone.
        public Builder inpaintOverlay(boolean value) {
            image = new ImageConditions(image.input(), image.edit(), image.inpaint(), value);
            return this;
        }

        /// Adds a LoRA file, for this request alone: each has its own strength.
        ///
        /// @param file a safetensors file, or a PEFT folder; it is read when the request is generated
        /// @param strength factor of the update, beside the scale that the file gives
        /// @throws InvalidRequestException when the strength is no finite number
        public Builder lora(Path file, double strength) {
            loras = Stream.concat(loras.stream(), Stream.of(new LoraUse(file, strength)))
                    .toList();
            return this;
        }

        /// @throws InvalidRequestException for a value that cannot be used, naming it
        public GenerationRequest build() {
            return new GenerationRequest(
                    positive,
                    negative,
                    cfgScale,
                    embeddedGuidance,
                    height,
                    width,
                    seed,
                    noise,
                    steps,
                    denoisingStrength,
                    image,
                    loras);
        }
    }

    /// A LoRA file and its strength.
    ///
    /// @param file a safetensors file, or a PEFT folder
    /// @param strength factor of the update, from -1000000 to 1000000, beside the scale that the file gives
    public record LoraUse(Path file, double strength) {

        /// @throws InvalidRequestException when the strength is out of range
        public LoraUse {
            Arguments.require("lora", file);
            LoraFile.requireStrength(strength);
        }
    }

    /// The images that go into a generation.
    ///
    /// @param input start of image-to-image and of inpainting; resized and cropped to the requested size
    /// @param edit images that the transformer sees as references
    /// @param inpaint restricts the change to a part of the input image
    /// @param overlay whether the input image is laid over the generated one outside of the mask
    public record ImageConditions(
            @Nullable RgbImage input,
            @Nullable EditImages edit,
            @Nullable Inpaint inpaint,
            boolean overlay) {

        public static ImageConditions none() {
            return new ImageConditions(null, null, null, false);
        }
    }
}
