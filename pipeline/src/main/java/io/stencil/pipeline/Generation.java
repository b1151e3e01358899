package io.stencil.pipeline;

import io.stencil.flux2.schedule.FlowMatchSchedule;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.ImageSize;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.AvailableMemory;
import io.stencil.tensor.DType;
import io.stencil.tensor.LibtorchMessage;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// One request on its way to images: encodes its conditions once, denoises as many images together as memory allows,
/// and decodes them one by one.
final class Generation {

    /// Bytes that the largest block has in use at once for each token, in channels of the model: the joint projection
    /// of a single-stream block is nine, its parts, their products and the streams are as many again, and some.
    private static final long CHANNELS_IN_USE = 32;

    private final ModelSet models;
    private final GenerationRequest request;
    private final ImageSize size;
    private final ProgressListener progress;

    /// @param request with steps and guidance
    /// @param size of the images; both sides are multiples of 16
    Generation(ModelSet models, GenerationRequest request, ImageSize size, ProgressListener progress) {
        this.models = models;
        this.request = request;
        this.size = size;
        this.progress = progress;
    }

    /// @param seeds one for each image
    List<GeneratedImage> run(List<Long> seeds) {
        Inpaint inpaint = inpaint();
        RgbImage input = request.image().input();
        Conditioning positive = Conditioning.encode(
                models,
                input == null ? null : Resampler.cover(input, size),
                request.image().edit(),
                request.positive().prompt());
        Conditioning negative = request.isGuided()
                ? positive.withPrompt(models, request.negative().prompt())
                : null;
        Tensor clean = positive.images().latents();
        Denoiser.Task task = new Denoiser.Task(
                request.schedule(),
                TokenIds.image(size.height() / 16, size.width() / 16),
                positive.images().references(),
                side(positive, request.positive()),
                negative == null ? null : side(negative, request.negative()),
                Objects.requireNonNull(request.cfgScale()),
                request.embeddedGuidance(),
                inpaint == null ? null : inpaintLatents(inpaint, Objects.requireNonNull(clean)));
        List<GeneratedImage> images = new ArrayList<>();
        int together = imagesInMemory(task, seeds.size());
        int doneBefore = 0;
        while (images.size() < seeds.size()) {
            int first = images.size();
            List<Long> part = seeds.subList(first, Math.min(first + together, seeds.size()));
            int parts = Math.ceilDiv(seeds.size() - first, together);
            int steps = task.schedule().steps();
            ProgressListener ofPart =
                    new ProgressListener.Part(progress, first, doneBefore, doneBefore + parts * steps);
            try {
                images.addAll(run(task, start(task.schedule(), clean, part), inpaint, ofPart));
                doneBefore += steps;
            } catch (RuntimeException e) {
                if (part.size() == 1 || !isOutOfMemory(e)) {
                    throw e;
                }
                together = Math.ceilDiv(part.size(), 2);
            }
        }
        return images;
    }

    private List<GeneratedImage> run(
            Denoiser.Task task, Tensor start, @Nullable Inpaint inpaint, ProgressListener ofPart) {
        try (Scope _ = new Scope()) {
            Tensor latents = new Denoiser(models, ofPart).run(task, start);
            List<GeneratedImage> images = new ArrayList<>();
            for (int i = 0; i < latents.size(0); i++) {
                try (Scope _ = new Scope()) {
                    Tensor ofImage = latents.size(0) == 1
                            ? latents
                            : latents.narrow(0, i, 1).clone();
                    RgbImage image = overlaid(models.decode(ofImage), inpaint);
                    images.add(new GeneratedImage(image, GeneratedImage.Latents.copyOf(ofImage)));
                }
            }
            return images;
        }
    }

    /// With an overlay the mask lies on the input image; without, it is stretched to the image, as in the reference.
    private @Nullable Inpaint inpaint() {
        Inpaint inpaint = request.image().inpaint();
        return inpaint != null && request.image().overlay() ? inpaint.croppedTo(size) : inpaint;
    }

    private RgbImage overlaid(RgbImage generated, @Nullable Inpaint inpaint) {
        return request.image().overlay()
                ? Objects.requireNonNull(inpaint)
                        .overlay(
                                generated,
                                Objects.requireNonNull(request.image().input()))
                : generated;
    }

    private Denoiser.Side side(Conditioning conditioning, SideConditions conditions) {
        return new Denoiser.Side(
                conditioning.textTokens(models, conditions.textEmbedding()), conditions.kvCache(), conditions.lora());
    }

    private Denoiser.InpaintLatents inpaintLatents(Inpaint inpaint, Tensor clean) {
        return new Denoiser.InpaintLatents(models.device().place(inpaint.latentMask(size)), ImageTokens.flatten(clean));
    }

    /// @param clean latents of the input image, or null without one
    /// @return latents at the first noise level, float32 `[B, 128, H/16, W/16]`
    private Tensor start(FlowMatchSchedule schedule, @Nullable Tensor clean, List<Long> seeds) {
        Tensor noise =
                models.device().place(Ops.cat(0, seeds.stream().map(this::noise).toList()), DType.FLOAT32);
        return clean == null ? noise : schedule.addNoise(clean, noise, 0);
    }

    /// Draws the noise from the seed where none is given, on the CPU and in the pipeline's dtype, which decides it.
    ///
    /// @return standard normal, `[1, 128, H/16, W/16]`
    private Tensor noise(long seed) {
        if (request.noise() != null) {
            return request.noise();
        }
        try (TorchGenerator generator = new TorchGenerator(seed)) {
            return generator.randn(models.dtype(), 1, 128, size.height() / 16, size.width() / 16);
        }
    }

    /// How many images half of the available memory has room for in a pass of the transformer, from 1 to `most`. A
    /// device whose memory is not known gets all; what it cannot hold is halved.
    private int imagesInMemory(Denoiser.Task task, int most) {
        TransformerConfig config = models.requireTransformer().config();
        long tokens = task.imageIds().size(1) + task.positive().text().embeds().size(1);
        for (ImageTokens reference : task.references()) {
            tokens += reference.latents().size(1);
        }
        long bytes = tokens * config.dim() * CHANNELS_IN_USE * models.compute().bytes();
        long room = AvailableMemory.of(models.device()).orElse(Long.MAX_VALUE) / 2;
        return Math.clamp(room / bytes, 1, most);
    }

    static boolean isOutOfMemory(RuntimeException fault) {
        String message = String.valueOf(fault.getMessage());
        return LibtorchMessage.isFrom(fault)
                && (message.contains("allocate memory") || message.contains("out of memory"));
    }
}
