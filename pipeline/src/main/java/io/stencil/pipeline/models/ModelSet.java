package io.stencil.pipeline.models;

import static io.stencil.flux2.vae.AutoencoderKlFlux2.PIXELS_PER_LATENT;

import io.stencil.autograd.GradMode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.LatentPreview;
import io.stencil.flux2.vae.PixelConversion;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorDefect;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The models of one pipeline, each of which may be absent until it is needed, and the dtypes and device of their work.
///
/// Weights are read from their files when they are first used. Those of an offloaded model are evicted after each
/// use, layer by layer, so that text encoder, transformer and VAE need not be in memory together.
///
/// Several threads may encode and decode together. Of the pipelines over these models one call runs at a time, see
/// [#gate].
public final class ModelSet implements AutoCloseable {

    private static final EncodingCache.Kind<Tensor> PROMPTS =
            new EncodingCache.Kind<>((embeds, copy) -> copy.apply(embeds), _ -> 0);

    private final @Nullable TextEncoder textEncoder;
    private final @Nullable AutoencoderKlFlux2 vae;
    private final @Nullable Flux2Transformer transformer;
    private final ModelKind kind;
    private final DType compute;
    private final LoadOptions options;
    private final EncodingCache cache;
    private @Nullable LatentPreview preview;
    private final CallGate gate = new CallGate();
    private volatile boolean closed;

    /// Large images go through the VAE in tiles. The models are the set's from now on.
    ///
    /// @param dtype of weights at rest, and of the noise that a seed means
    /// @param compute dtype of activations
    public ModelSet(
            @Nullable TextEncoder textEncoder,
            @Nullable AutoencoderKlFlux2 vae,
            @Nullable Flux2Transformer transformer,
            DType dtype,
            DType compute,
            Device device) {
        this(new Parts(textEncoder, vae, transformer), ModelKind.OTHER, compute, new LoadOptions(dtype, device));
    }

    /// The models.
    record Parts(
            @Nullable TextEncoder textEncoder,
            @Nullable AutoencoderKlFlux2 vae,
            @Nullable Flux2Transformer transformer) {}

    /// @param kind of the transformer
    /// @param compute dtype of activations
    /// @param options of all else
    ModelSet(Parts parts, ModelKind kind, DType compute, LoadOptions options) {
        this.textEncoder = parts.textEncoder;
        this.vae = parts.vae;
        this.transformer = parts.transformer;
        this.kind = kind;
        this.compute = compute;
        this.options = options;
        this.cache = new EncodingCache(options.cacheBytes());
    }

    /// Loads the models that `files` names.
    ///
    /// @throws io.stencil.error.InvalidFileException when a file is absent, broken or not a part of FLUX.2
    public static ModelSet load(ModelFiles files, LoadOptions options) {
        return ModelSetLoader.load(Arguments.require("files", files), Arguments.require("options", options));
    }

    public @Nullable TextEncoder textEncoder() {
        return textEncoder;
    }

    public @Nullable AutoencoderKlFlux2 vae() {
        return vae;
    }

    public @Nullable Flux2Transformer transformer() {
        return transformer;
    }

    /// The kind of the transformer, from which the defaults of a request follow.
    public ModelKind kind() {
        return kind;
    }

    /// Of weights at rest, and of the noise that a seed means.
    public DType dtype() {
        return options.dtype();
    }

    /// Of activations.
    public DType compute() {
        return compute;
    }

    public Device device() {
        return options.device();
    }

    /// Which images go through the VAE in tiles.
    public VaeTiling tiling() {
        return options.tiling();
    }

    /// Results that are kept from request to request, within [LoadOptions#cacheBytes].
    public EncodingCache cache() {
        return cache;
    }

    /// The queue of calls of the pipelines over these models.
    public CallGate gate() {
        return gate;
    }

    /// Encodes a prompt, or copies its embeddings where they are cached.
    ///
    /// @return `[1, St, joint]`, in the dtype of activations
    /// @throws InvalidStateException when the models are closed
    public Tensor encodePrompt(String prompt) {
        TextEncoder model = required(textEncoder, "a text encoder");
        Optional<Tensor> cached = cache.find(PROMPTS, prompt);
        if (cached.isPresent()) {
            model.recordLength(prompt);
            return cached.get().clone();
        }
        try {
            Tensor embeds = FiniteValues.require(
                    model.encode(prompt), ModelRole.TEXT_ENCODER, model.encoder(), "while encoding the prompt");
            cache.put(PROMPTS, prompt, embeds);
            return embeds;
        } finally {
            model.encoder().evict();
        }
    }

    /// @return normalised latents `[1, 128, H/16, W/16]`, in the dtype of activations
    /// @throws InvalidStateException when the models are closed
    public Tensor encode(RgbImage image) {
        AutoencoderKlFlux2 model = requireVae();
        Tensor pixels =
                device().place(PixelConversion.pixelsFromBytes(image.rgb(), image.height(), image.width()), compute);
        try {
            Tensor latents = tiling().cuts(image.height(), image.width())
                    ? model.encodeTiled(pixels, tiling().tiles())
                    : model.encode(pixels);
            return FiniteValues.require(latents, ModelRole.VAE, model, "while encoding an image");
        } finally {
            model.evict();
        }
    }

    /// @param latents normalised, `[1, 128, H/16, W/16]`
    /// @throws InvalidRequestException when they were freed or have another shape
    /// @throws InvalidStateException when the models are closed
    public RgbImage decode(Tensor latents) {
        AutoencoderKlFlux2 model = requireVae();
        requireLatents(latents);
        Tensor placed = device().place(latents, compute);
        try {
            Tensor pixels = tiling().cuts(latents.size(2) * PIXELS_PER_LATENT, latents.size(3) * PIXELS_PER_LATENT)
                    ? model.decodeTiled(placed, tiling().tiles())
                    : model.decode(placed);
            return image(FiniteValues.require(pixels, ModelRole.VAE, model, "while decoding the latents"));
        } finally {
            model.evict();
        }
    }

    /// Approximates the images of latents without the VAE, by [LatentPreview], which is fitted to it once, when it is
    /// first needed.
    ///
    /// @param latents normalised, `[B, 128, H/16, W/16]`
    /// @return B small images, as [LatentPreview#pixels] gives them
    /// @throws InvalidRequestException when the latents have another shape
    /// @throws InvalidStateException when the models are closed
    public List<RgbImage> preview(Tensor latents) {
        requireLatents(latents);
        try (Scope _ = new Scope()) {
            Tensor pixels = fittedPreview().pixels(latents);
            return LongStream.range(0, pixels.size(0))
                    .mapToObj(i -> image(pixels.narrow(0, i, 1)))
                    .toList();
        }
    }

    private synchronized LatentPreview fittedPreview() {
        AutoencoderKlFlux2 model = requireVae();
        if (preview == null) {
            try (GradMode _ = GradMode.disabled()) {
                preview = LatentPreview.fit(model, device(), compute);
            } finally {
                model.evict();
            }
        }
        return preview;
    }

    private static RgbImage image(Tensor pixels) {
        return RgbImage.of(
                Math.toIntExact(pixels.size(3)),
                Math.toIntExact(pixels.size(2)),
                PixelConversion.bytesFromPixels(pixels));
    }

    private static void requireLatents(Tensor latents) {
        TensorDefect.of(latents).ifPresent(defect -> {
            throw new InvalidRequestException("latents", defect.text());
        });
        if (latents.dim() != 4) {
            throw new InvalidRequestException(
                    "latents", "expected [1, 128, H/16, W/16], found " + Arrays.toString(Tensors.shape(latents)));
        }
    }

    /// @throws InvalidRequestException when the pipeline was loaded without one
    /// @throws InvalidStateException when the models are closed
    public Flux2Transformer requireTransformer() {
        return required(transformer, "a transformer");
    }

    /// @throws InvalidRequestException when the pipeline was loaded without one
    /// @throws InvalidStateException when the models are closed
    public AutoencoderKlFlux2 requireVae() {
        return required(vae, "a VAE");
    }

    private <M> M required(@Nullable M model, String what) {
        if (closed) {
            throw new InvalidStateException("the pipeline is closed; its models are needed for this call");
        }
        if (model == null) {
            throw new InvalidRequestException(
                    "model_paths", "the pipeline was loaded without " + what + "; add its files");
        }
        return model;
    }

    /// Frees the models, once the pipeline call that runs and passes on other threads are over.
    ///
    /// @throws InvalidStateException within such a call; nothing is freed then
    @Override
    public void close() {
        gate.close(this::free);
    }

    private void free() {
        closed = true;
        cache.close();
        if (textEncoder != null) {
            textEncoder.close();
        }
        if (vae != null) {
            vae.close();
        }
        if (transformer != null) {
            transformer.close();
        }
    }
}
