package io.stencil.springai;

import io.micrometer.observation.ObservationRegistry;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageFormat;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.content.Media;
import org.springframework.ai.image.Image;
import org.springframework.ai.image.ImageGeneration;
import org.springframework.ai.image.ImageGenerationMetadata;
import org.springframework.ai.image.ImageMessage;
import org.springframework.ai.image.ImageModel;
import org.springframework.ai.image.ImageOptions;
import org.springframework.ai.image.ImagePrompt;
import org.springframework.ai.image.ImageResponse;
import org.springframework.ai.image.ImageResponseMetadata;
import org.springframework.ai.image.observation.DefaultImageModelObservationConvention;
import org.springframework.ai.image.observation.ImageModelObservationContext;
import org.springframework.ai.image.observation.ImageModelObservationDocumentation;

/// Generates images with an [ImageService] of this process, for code that is written for Spring AI.
///
/// Each call is one job of the service, and waits for it; a model may be shared by threads. A prompt has one message.
/// Its media are edit images: images that the transformer sees beside the one it makes. [StencilImageOptions] have
/// all else; of other options those are taken that this model knows, and a style or a URL as the form of the result
/// is refused.
///
/// Images come back as PNG in base64, with the parameters of their generation in the file. A thread that is interrupted
/// cancels its job.
public final class StencilImageModel implements ImageModel {

    private static final String PROVIDER = "stencil";

    private final ImageService service;
    private final StencilImageOptions defaults;
    private final ObservationRegistry observations;
    private final Duration timeout;

    private StencilImageModel(Builder builder) {
        service = builder.service;
        defaults = builder.defaults;
        observations = builder.observations;
        timeout = builder.timeout;
    }

    /// A builder of a model with the service's defaults.
    ///
    /// @param service remains the caller's, who closes it
    public static Builder builder(ImageService service) {
        return new Builder(service);
    }

    /// Metadata of one image.
    ///
    /// @param seed of its noise
    public record Metadata(long seed) implements ImageGenerationMetadata {}

    /// Generates the images of a prompt.
    ///
    /// @return as many as `n` of the options, each with [Metadata]; the response's metadata has `warnings`, a list of
    ///     values that had no or not their whole effect
    /// @throws io.stencil.error.QueueFullException when the service's queue is full
    /// @throws InvalidRequestException naming the value that cannot be used
    /// @throws CancellationException when the time is over, the thread is interrupted or the job is cancelled
    /// @throws io.stencil.error.StencilException for another failure of the job
    @Override
    public ImageResponse call(ImagePrompt prompt) {
        Arguments.require("prompt", prompt);
        StencilImageOptions options = options(prompt.getOptions());
        ImageModelObservationContext context = ImageModelObservationContext.builder()
                .imagePrompt(new ImagePrompt(prompt.getInstructions(), options))
                .provider(PROVIDER)
                .build();
        return Objects.requireNonNull(ImageModelObservationDocumentation.IMAGE_MODEL_OPERATION
                .observation(null, new DefaultImageModelObservationConvention(), () -> context, observations)
                .observe(() -> {
                    ImageResponse response = run(request(message(prompt), options));
                    context.setResponse(response);
                    return response;
                }));
    }

    private StencilImageOptions options(@Nullable ImageOptions given) {
        if (given != null && given.getStyle() != null) {
            throw new InvalidRequestException(
                    "style", "is '%s', and there are no styles; use a Template or a LoRA".formatted(given.getStyle()));
        }
        if (given != null
                && given.getResponseFormat() != null
                && !StencilImageOptions.BASE64.equals(given.getResponseFormat())) {
            throw new InvalidRequestException(
                    "response_format",
                    "is '%s'; images of this process come back in base64 only (b64_json)"
                            .formatted(given.getResponseFormat()));
        }
        StencilImageOptions options = StencilImageOptions.of(given).or(defaults);
        String model = service.model().name();
        if (options.model() != null && !options.model().equals(model)) {
            throw new InvalidRequestException(
                    "model", "is '%s'; the service has '%s'".formatted(options.model(), model));
        }
        return options.or(StencilImageOptions.builder().model(model).build());
    }

    private static ImageMessage message(ImagePrompt prompt) {
        List<ImageMessage> messages = prompt.getInstructions();
        if (messages.size() != 1) {
            throw new InvalidRequestException(
                    "prompt",
                    "has %s messages; give one, and a negative prompt in StencilImageOptions"
                            .formatted(messages.size()));
        }
        Float weight = messages.getFirst().getWeight();
        if (weight != null && weight != 1) {
            throw new InvalidRequestException("prompt", "has weight %s; a prompt has no weight here".formatted(weight));
        }
        return messages.getFirst();
    }

    private ImageRequest request(ImageMessage message, StencilImageOptions options) {
        ImageRequest.Builder request = ImageRequest.of(Objects.requireNonNullElse(message.getText(), ""));
        for (Media media : message.getMedia()) {
            request.editImage(service.settings().limits().decode("media", media.getDataAsByteArray()));
        }
        if (options.n() != null) {
            request.n(options.n());
        }
        if (options.width() != null) {
            request.width(options.width());
        }
        if (options.height() != null) {
            request.height(options.height());
        }
        if (options.seed() != null) {
            request.seed(options.seed());
        }
        if (options.steps() != null) {
            request.steps(options.steps());
        }
        if (options.guidance() != null) {
            request.guidance(options.guidance());
        }
        if (options.negativePrompt() != null) {
            request.negativePrompt(options.negativePrompt());
        }
        if (options.inputImage() != null) {
            request.inputImage(options.inputImage(), Objects.requireNonNullElse(options.strength(), 1.0));
        }
        if (options.mask() != null) {
            request.mask(options.mask());
        }
        options.templates().forEach(request::template);
        options.loras().forEach(use -> request.lora(use.name(), use.strength()));
        return request.build();
    }

    private ImageResponse run(ImageRequest request) {
        GenerationJob job = service.submit(request);
        List<ImageGeneration> images = new ArrayList<>();
        List<Long> seeds = job.request().seeds();
        for (int i = 0; i < await(job).size(); i++) {
            Image output = new Image(null, Base64.getEncoder().encodeToString(job.encode(i, ImageFormat.PNG)));
            images.add(new ImageGeneration(output, new Metadata(seeds.get(i))));
        }
        ImageResponseMetadata metadata =
                new ImageResponseMetadata(job.submitted().toEpochMilli());
        metadata.put("warnings", job.warnings());
        return new ImageResponse(images, metadata);
    }

    private List<GeneratedImage> await(GenerationJob job) {
        try {
            return job.await(timeout);
        } catch (TimeoutException over) {
            CancellationException cancelled = new CancellationException(over.getMessage());
            cancelled.initCause(over);
            throw cancelled;
        }
    }

    /// Sets what differs from the defaults.
    public static final class Builder {

        private final ImageService service;
        private StencilImageOptions defaults = StencilImageOptions.builder().build();
        private ObservationRegistry observations = ObservationRegistry.NOOP;
        private Duration timeout = Duration.ofMinutes(10);

        private Builder(ImageService service) {
            this.service = Arguments.require("service", service);
        }

        /// Sets the options of prompts that leave them open.
        public Builder defaultOptions(StencilImageOptions options) {
            defaults = Arguments.require("default_options", options);
            return this;
        }

        /// Sets where calls are observed: their time as a metric, their prompt and size in a trace.
        public Builder observationRegistry(ObservationRegistry registry) {
            observations = Arguments.require("observation_registry", registry);
            return this;
        }

        /// Sets how long a call waits for its images, the time in the queue included; 10 minutes by default.
        public Builder timeout(Duration time) {
            timeout = Arguments.require("timeout", time);
            return this;
        }

        public StencilImageModel build() {
            return new StencilImageModel(this);
        }
    }
}
