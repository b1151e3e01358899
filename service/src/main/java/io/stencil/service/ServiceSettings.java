package io.stencil.service;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import io.stencil.tensor.Device;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Models, names and limits of an [ImageService].
///
/// @param modelName name of the base model; null for that of its folder
/// @param files of the base model
/// @param load options of loading it, one for each worker; workers differ in their device
/// @param templates by the name that requests give
/// @param loading when Templates are in memory
/// @param loras files by the name that requests give
/// @param defaultSize size of images whose request has none; within the limit of pixels
/// @param limits of requests, of the queue and of memory
public record ServiceSettings(
        @Nullable String modelName,
        ModelFiles files,
        List<LoadOptions> load,
        Map<String, TemplateSource> templates,
        TemplatePipeline.Loading loading,
        Map<String, Path> loras,
        ImageSize defaultSize,
        Limits limits) {

    /// @throws InvalidRequestException naming what is null or empty
    public ServiceSettings {
        Arguments.require("files", files);
        load = Arguments.copyOf("load", load);
        templates = copy("templates", templates);
        loras = copy("loras", loras);
        Arguments.require("loading", loading);
        Arguments.require("default_size", defaultSize);
        Arguments.require("limits", limits);
        Limits.require("load", load.size());
        if (Limits.pixelsOf(defaultSize.width(), defaultSize.height()) > limits.pixels()) {
            throw new InvalidRequestException(
                    "default_size",
                    "%s is more than the %s pixels that an image may have (max_pixels); choose a smaller default_size, or a larger max_pixels"
                            .formatted(defaultSize, limits.pixels()));
        }
    }

    private static <T> Map<String, T> copy(String name, Map<String, T> values) {
        Map<String, T> copy = new LinkedHashMap<>();
        Arguments.require(name, values)
                .forEach((key, value) ->
                        copy.put(Arguments.require(name, key), Arguments.require("%s.%s".formatted(name, key), value)));
        return Collections.unmodifiableMap(copy);
    }

    /// A builder with one worker and the default limits.
    ///
    /// @param files of the base model
    /// @param load options of loading it, the first worker's device among them
    public static Builder builder(ModelFiles files, LoadOptions load) {
        return new Builder(files, load);
    }

    /// Bounds of requests, of the queue and of memory, each at least 1.
    ///
    /// @param queueSize largest number of jobs that wait for a worker
    /// @param pixels largest number of pixels of one image, once its sides are rounded up to multiples of 16
    /// @param images largest number of images of one request
    /// @param editImages largest number of edit images of one request
    /// @param steps largest number of denoising steps of one image
    /// @param cacheBytes memory for prompt embeddings and Template caches that are kept from request to request; 0
    ///     keeps none
    /// @param keptJobs largest number of finished jobs that are kept for [ImageService#job]
    /// @param keptBytes largest memory of the images of those jobs
    /// @param keptTime time for which they are kept
    public record Limits(
            int queueSize,
            long pixels,
            int images,
            int editImages,
            int steps,
            long cacheBytes,
            int keptJobs,
            long keptBytes,
            Duration keptTime) {

        /// 16 waiting jobs, 2048 x 2048 pixels, 8 images, 16 edit images, 200 steps, 256 MiB of caches, 256 finished
        /// jobs of 512 MiB for an hour.
        public static final Limits DEFAULT =
                new Limits(16, 1L << 22, 8, 16, 200, 256L << 20, 256, 512L << 20, Duration.ofHours(1));

        private static final int MAX_STEPS = 1_000_000;
        private static final int TOKEN = 16;

        /// @throws InvalidRequestException naming the limit that is less than 1
        public Limits {
            require("queue_size", queueSize);
            require("max_pixels", pixels);
            require("max_images", images);
            require("max_edit_images", editImages);
            require("max_steps", steps);
            if (steps > MAX_STEPS) {
                throw new InvalidRequestException(
                        "max_steps", "must be at most %s, found %s".formatted(MAX_STEPS, steps));
            }
            require("cache_bytes", cacheBytes + 1);
            require("kept_jobs", keptJobs);
            require("kept_bytes", keptBytes);
            require("kept_time", Arguments.require("kept_time", keptTime).toMillis());
        }

        /// Pixels of an image once its sides are rounded up to multiples of 16.
        static long pixelsOf(int width, int height) {
            return (long) Math.ceilDiv(width, TOKEN) * Math.ceilDiv(height, TOKEN) * TOKEN * TOKEN;
        }

        /// Decodes an image for a request; its pixels are counted first.
        ///
        /// @param field name of the value that holds the image, for messages
        /// @param file bytes of an image file
        /// @throws io.stencil.error.InvalidFileException naming the field, when they are no image or a broken one
        /// @throws InvalidRequestException naming the field, when it has more pixels than a generated image may have
        public RgbImage decode(String field, byte[] file) {
            requirePixels(field, file);
            return RgbImageReader.read(file, Location.ofField(field));
        }

        /// Decodes the transparency of an image: white where it is transparent, black where it is opaque, as [#decode]
        /// does.
        ///
        /// @throws InvalidRequestException naming the field, when the image has no alpha channel
        public RgbImage decodeTransparency(String field, byte[] file) {
            requirePixels(field, file);
            RgbImage alpha = RgbImageReader.readAlpha(file, Location.ofField(field));
            if (alpha == null) {
                throw new InvalidRequestException(
                        field, "has no alpha channel; a mask is transparent where the image is to change");
            }
            byte[] inverted = new byte[alpha.rgb().length];
            for (int at = 0; at < inverted.length; at++) {
                inverted[at] = (byte) ~alpha.rgb()[at];
            }
            return RgbImage.of(alpha.width(), alpha.height(), inverted);
        }

        private void requirePixels(String field, byte[] file) {
            ImageSize size = RgbImageReader.size(Arguments.require(field, file), Location.ofField(field));
            if ((long) size.width() * size.height() > pixels) {
                throw new InvalidRequestException(
                        field, "has %s pixels, more than %s (max_pixels); scale it down".formatted(size, pixels));
            }
        }

        private static void require(String limit, long value) {
            if (value < 1) {
                throw new InvalidRequestException(limit, "must be greater than 0");
            }
        }
    }

    /// Sets what differs from the defaults; [ServiceSettings] and [Limits] say what each value means.
    public static final class Builder {

        private final ModelFiles files;
        private final List<LoadOptions> load = new ArrayList<>();
        private final Map<String, TemplateSource> templates = new LinkedHashMap<>();
        private final Map<String, Path> loras = new LinkedHashMap<>();
        private TemplatePipeline.Loading loading = TemplatePipeline.Loading.EAGER;
        private @Nullable String modelName;
        private ImageSize defaultSize = new ImageSize(1024, 1024);
        private int queueSize = Limits.DEFAULT.queueSize();
        private long maxPixels = Limits.DEFAULT.pixels();
        private int maxImages = Limits.DEFAULT.images();
        private int maxEditImages = Limits.DEFAULT.editImages();
        private int maxSteps = Limits.DEFAULT.steps();
        private long cacheBytes = Limits.DEFAULT.cacheBytes();
        private int keptJobs = Limits.DEFAULT.keptJobs();
        private long keptBytes = Limits.DEFAULT.keptBytes();
        private Duration keptTime = Limits.DEFAULT.keptTime();

        private Builder(ModelFiles files, LoadOptions first) {
            this.files = Arguments.require("files", files);
            load.add(Arguments.require("load", first));
        }

        /// Adds a worker on another device, with models of its own.
        public Builder worker(Device device) {
            load.add(load.getFirst().on(Arguments.require("device", device)));
            return this;
        }

        /// Sets the name of the base model; by default it is that of its folder.
        public Builder modelName(String name) {
            modelName = Arguments.require("model_name", name);
            return this;
        }

        /// Adds a Template. A name that there is already gets the new one.
        public Builder template(String name, TemplateSource source) {
            templates.put(name, source);
            return this;
        }

        public Builder templates(Map<String, ? extends TemplateSource> sources) {
            templates.putAll(sources);
            return this;
        }

        public Builder loading(TemplatePipeline.Loading value) {
            loading = value;
            return this;
        }

        /// Adds a LoRA: a safetensors file, or a PEFT folder. A name that there is already gets the new one.
        public Builder lora(String name, Path file) {
            loras.put(name, file);
            return this;
        }

        public Builder loras(Map<String, Path> values) {
            loras.putAll(values);
            return this;
        }

        public Builder defaultSize(int width, int height) {
            defaultSize = new ImageSize(width, height);
            return this;
        }

        public Builder queueSize(int value) {
            queueSize = value;
            return this;
        }

        public Builder maxPixels(long value) {
            maxPixels = value;
            return this;
        }

        public Builder maxImages(int value) {
            maxImages = value;
            return this;
        }

        public Builder maxEditImages(int value) {
            maxEditImages = value;
            return this;
        }

        public Builder maxSteps(int value) {
            maxSteps = value;
            return this;
        }

        public Builder cacheBytes(long value) {
            cacheBytes = value;
            return this;
        }

        public Builder keptJobs(int value) {
            keptJobs = value;
            return this;
        }

        public Builder keptBytes(long value) {
            keptBytes = value;
            return this;
        }

        public Builder keptTime(Duration value) {
            keptTime = value;
            return this;
        }

        /// @throws InvalidRequestException for a value that cannot be used, naming it
        public ServiceSettings build() {
            return new ServiceSettings(
                    modelName,
                    files,
                    load,
                    templates,
                    loading,
                    loras,
                    defaultSize,
                    new Limits(
                            queueSize,
                            maxPixels,
                            maxImages,
                            maxEditImages,
                            maxSteps,
                            cacheBytes,
                            keptJobs,
                            keptBytes,
                            keptTime));
        }
    }
}
