package io.stencil.langchain4j;

import dev.langchain4j.data.image.Image;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.image.ImageModel;
import dev.langchain4j.model.output.Response;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.QueueFullException;
import io.stencil.image.ImageFormat;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Generates and edits images with an [ImageService] of this process, for code that is written for LangChain4j.
///
/// ```java
/// ImageModel model = StencilImageModel.builder(service).size(512, 512).template("brightness", Map.of("scale",
/// 0.8)).build();
/// Image image = model.generate("a lighthouse at dusk").content();
/// ```
/// Each call is one job of the service, and waits for it; a model may be shared by threads. Images come back as PNG in
/// base64, with the parameters of their generation in the file. A thread that is interrupted cancels its job. A full
/// queue is a [RateLimitException], a value that cannot be used an [InvalidRequestException], and the end of the time a
/// [TimeoutException], as of LangChain4j's other models; each has the exception of Stencil as its cause.
public final class StencilImageModel implements ImageModel {

    /// Key in a response's metadata of the seeds, a list of `Long` in the order of the images.
    public static final String SEEDS = "seeds";

    /// Key in a response's metadata of values that had no or not their whole effect, a list of `String`.
    public static final String WARNINGS = "warnings";

    private static final String PNG = "image/png";

    /// Pixels of a latent token along a side.
    private static final int TOKEN = 16;

    private final ImageService service;
    private final List<Consumer<ImageRequest.Builder>> defaults;
    private final boolean sized;
    private final Duration timeout;

    private StencilImageModel(Builder builder) {
        service = builder.service;
        defaults = List.copyOf(builder.defaults);
        sized = builder.sized;
        timeout = builder.timeout;
    }

    /// A builder of a model with the service's defaults.
    ///
    /// @param service remains the caller's, who closes it
    public static Builder builder(ImageService service) {
        return new Builder(service);
    }

    /// Generates one image of a prompt.
    @Override
    public Response<Image> generate(String prompt) {
        return first(run(request(prompt)));
    }

    /// Generates `n` images of a prompt, with consecutive seeds where the model has one.
    @Override
    public Response<List<Image>> generate(String prompt, int n) {
        return run(request(prompt).n(n));
    }

    /// Generates an image with another one as a reference for the transformer. It has the other one's size where the
    /// model has none.
    ///
    /// @param image in base64 or as a `data:` URL; nothing is fetched
    @Override
    public Response<Image> edit(Image image, String prompt) {
        RgbImage original = calling(() -> limits().decode("image", bytes("image", image)));
        return first(run(sized(request(prompt), original).editImage(original)));
    }

    /// Changes a part of an image, and leaves the rest as it is to each pixel.
    ///
    /// @param mask PNG of the image's size with an alpha channel, transparent where the image changes, as in OpenAI's
    /// API
    @Override
    public Response<Image> edit(Image image, Image mask, String prompt) {
        RgbImage original = calling(() -> limits().decode("image", bytes("image", image)));
        RgbImage part = calling(() -> limits().decodeTransparency("mask", bytes("mask", mask)));
        return first(run(sized(request(prompt), original)
                .inputImage(original, 1)
                .mask(part)
                .overlay(true)));
    }

    private ImageRequest.Builder request(String prompt) {
        ImageRequest.Builder request = ImageRequest.of(prompt);
        defaults.forEach(setting -> setting.accept(request));
        return request;
    }

    /// Gives a request without a size that of an image, its sides rounded down to multiples of 16.
    private ImageRequest.Builder sized(ImageRequest.Builder request, RgbImage original) {
        return sized ? request : request.size(rounded(original.width()), rounded(original.height()));
    }

    private static int rounded(int side) {
        return Math.max(TOKEN, side / TOKEN * TOKEN);
    }

    private ServiceSettings.Limits limits() {
        return service.settings().limits();
    }

    private static byte[] bytes(String field, Image image) {
        String base64 = Arguments.require(field, image).base64Data();
        URI url = image.url();
        if (base64 == null && url != null && "data".equals(url.getScheme())) {
            base64 = url.getSchemeSpecificPart().replaceFirst("^[^,]*;base64,", "");
        }
        if (base64 == null) {
            throw new io.stencil.error.InvalidRequestException(
                    field, "has no base64 data; URLs are not fetched, so read the image and pass its bytes in base64");
        }
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException fault) {
            throw new io.stencil.error.InvalidRequestException(field, "is no base64: " + fault.getMessage());
        }
    }

    private Response<List<Image>> run(ImageRequest.Builder request) {
        return calling(() -> {
            GenerationJob job = service.submit(request.build());
            List<Image> images = new ArrayList<>();
            for (int i = 0; i < await(job).size(); i++) {
                images.add(Image.builder()
                        .base64Data(Base64.getEncoder().encodeToString(job.encode(i, ImageFormat.PNG)))
                        .mimeType(PNG)
                        .build());
            }
            Map<String, Object> metadata = Map.of(SEEDS, job.request().seeds(), WARNINGS, job.warnings());
            return Response.from(List.copyOf(images), null, null, metadata);
        });
    }

    private List<GeneratedImage> await(GenerationJob job) {
        try {
            return job.await(timeout);
        } catch (java.util.concurrent.TimeoutException over) {
            throw new TimeoutException(over.getMessage(), over);
        }
    }

    /// Translates what callers of LangChain4j's models tell apart; all else passes.
    private static <T> T calling(Supplier<T> call) {
        try {
            return call.get();
        } catch (QueueFullException full) {
            throw new RateLimitException(full.getMessage(), full);
        } catch (io.stencil.error.InvalidRequestException | InvalidFileException fault) {
            throw new InvalidRequestException(fault.getMessage(), fault);
        }
    }

    private static Response<Image> first(Response<List<Image>> images) {
        return Response.from(images.content().getFirst(), null, null, images.metadata());
    }

    /// Sets what all requests of a model have in common; [ImageRequest] says what each value means.
    public static final class Builder {

        private final ImageService service;
        private final List<Consumer<ImageRequest.Builder>> defaults = new ArrayList<>();
        private boolean sized;
        private Duration timeout = Duration.ofMinutes(10);

        private Builder(ImageService service) {
            this.service = Arguments.require("service", service);
        }

        /// Sets the size of images, in pixels.
        public Builder size(int width, int height) {
            sized = true;
            return request(request -> request.size(width, height));
        }

        public Builder steps(int steps) {
            return request(request -> request.steps(steps));
        }

        public Builder guidance(double guidance) {
            return request(request -> request.guidance(guidance));
        }

        public Builder negativePrompt(String prompt) {
            return request(request -> request.negativePrompt(prompt));
        }

        /// Sets the seed of the first image of each call, so that equal calls have equal images; without one, each call
        /// draws its own.
        public Builder seed(long seed) {
            return request(request -> request.seed(seed));
        }

        /// Adds a Template of the service.
        public Builder template(String name, Map<String, Object> inputs) {
            return request(request -> request.template(name, inputs));
        }

        /// Adds a LoRA of the service.
        public Builder lora(String name, double strength) {
            return request(request -> request.lora(name, strength));
        }

        /// Sets anything else of each request: a Template with negative inputs, for instance.
        public Builder request(Consumer<ImageRequest.Builder> setting) {
            defaults.add(Arguments.require("request", setting));
            return this;
        }

        /// Sets how long a call waits for its images, the time in the queue included; 10 minutes by default.
        public Builder timeout(Duration time) {
            timeout = Arguments.require("timeout", time);
            return this;
        }

        /// @throws io.stencil.error.InvalidRequestException for a value that no request may have, naming it
        public StencilImageModel build() {
            StencilImageModel model = new StencilImageModel(this);
            model.request("").build();
            return model;
        }
    }
}
