package io.stencil.pipeline.models;

import static io.stencil.flux2.vae.AutoencoderKlFlux2.PIXELS_PER_LATENT;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.text.TextEncoder;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.vae.AutoencoderKlFlux2;
import io.stencil.flux2.vae.PixelConversion;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The models of one pipeline, each of which may be absent until it is needed, and the dtypes and device of their work.
///
/// Weights are read from their files when they are first used. Those of an offloaded model are let go of after each
/// use, layer by layer, so that text encoder, transformer and VAE need not be in memory together.
///
/// @param dtype of weights at rest, and of the noise that a seed means
/// @param compute dtype of activations
/// @param tiling which pictures go through the VAE in tiles
public record ModelSet(
        @Nullable TextEncoder textEncoder,
        @Nullable AutoencoderKlFlux2 vae,
        @Nullable Flux2Transformer transformer,
        DType dtype,
        DType compute,
        Device device,
        VaeTiling tiling)
        implements AutoCloseable {

    /// Large pictures go through the VAE in tiles.
    public ModelSet(
            @Nullable TextEncoder textEncoder,
            @Nullable AutoencoderKlFlux2 vae,
            @Nullable Flux2Transformer transformer,
            DType dtype,
            DType compute,
            Device device) {
        this(textEncoder, vae, transformer, dtype, compute, device, VaeTiling.OF_LARGE_PICTURES);
    }

    /// Loads the models that `files` names.
    ///
    /// @throws io.stencil.error.InvalidFileException when a file is absent, broken or not a part of FLUX.2
    public static ModelSet load(ModelFiles files, LoadOptions options) {
        return ModelSetLoader.load(files, options);
    }

    /// @return `[1, St, joint]`, in the dtype of activations
    public Tensor encodePrompt(String prompt) {
        TextEncoder model = required(textEncoder, "a text encoder");
        try {
            return FiniteValues.require(
                    model.encode(prompt), ModelRole.TEXT_ENCODER, model.encoder(), "while encoding the prompt");
        } finally {
            model.encoder().letGo();
        }
    }

    /// @return normalised latents `[1, 128, H/16, W/16]`, in the dtype of activations
    public Tensor encode(RgbImage image) {
        AutoencoderKlFlux2 model = requireVae();
        Tensor pixels =
                device.place(PixelConversion.pixelsFromBytes(image.rgb(), image.height(), image.width()), compute);
        try {
            Tensor latents = tiling.cuts(image.height(), image.width())
                    ? model.encodeTiled(pixels, tiling.tiles())
                    : model.encode(pixels);
            return FiniteValues.require(latents, ModelRole.VAE, model, "while encoding an image");
        } finally {
            model.letGo();
        }
    }

    /// @param latents normalised, `[1, 128, H/16, W/16]`
    public RgbImage decode(Tensor latents) {
        AutoencoderKlFlux2 model = requireVae();
        Tensor placed = device.place(latents, compute);
        try {
            Tensor pixels = tiling.cuts(latents.size(2) * PIXELS_PER_LATENT, latents.size(3) * PIXELS_PER_LATENT)
                    ? model.decodeTiled(placed, tiling.tiles())
                    : model.decode(placed);
            FiniteValues.require(pixels, ModelRole.VAE, model, "while decoding the latents");
            return RgbImage.of(
                    Math.toIntExact(pixels.size(3)),
                    Math.toIntExact(pixels.size(2)),
                    PixelConversion.bytesFromPixels(pixels));
        } finally {
            model.letGo();
        }
    }

    /// @throws InvalidRequestException when the pipeline was loaded without one
    public Flux2Transformer requireTransformer() {
        return required(transformer, "a transformer");
    }

    /// @throws InvalidRequestException when the pipeline was loaded without one
    public AutoencoderKlFlux2 requireVae() {
        return required(vae, "a VAE");
    }

    private static <M> M required(@Nullable M model, String what) {
        if (model == null) {
            throw new InvalidRequestException(
                    "model_paths", "the pipeline was loaded without " + what + "; add its files");
        }
        return model;
    }

    @Override
    public void close() {
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
