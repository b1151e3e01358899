package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/// All that one pass of the transformer reads.
///
/// @param image the generated image; only its tokens have an output
/// @param references reference images, of the same batch size
/// @param text the prompt, of the same batch size
/// @param timestep `[B]`, 0..1000
/// @param guidance strength of the embedded guidance; models without guidance embedding ignore it
/// @param kvCache extra keys and values, of the same batch size or 1
public record TransformerInput(
        ImageTokens image,
        List<ImageTokens> references,
        TextTokens text,
        Tensor timestep,
        double guidance,
        KvCache kvCache) {

    /// @throws InvalidRequestException when batch sizes differ
    public TransformerInput {
        references = List.copyOf(references);
        long batch = image.latents().size(0);
        for (ImageTokens reference : references) {
            requireBatch("reference latents", reference.latents(), batch);
        }
        requireBatch("prompt embeddings", text.embeds(), batch);
        requireBatch("timestep", timestep, batch);
        if (timestep.dim() != 1) {
            throw new InvalidRequestException(
                    "timestep", "timestep must be [B], found " + Arrays.toString(Tensors.shape(timestep)));
        }
    }

    /// An image from a prompt alone.
    ///
    /// @param timestep 0..1000, the same for the whole batch
    public static TransformerInput of(ImageTokens image, TextTokens text, double timestep) {
        Tensor latents = image.latents();
        Tensor timesteps = Tensors.full(timestep, DType.FLOAT32, Device.of(latents), latents.size(0));
        return new TransformerInput(image, List.of(), text, timesteps, 1, KvCache.empty());
    }

    public TransformerInput withKvCache(KvCache cache) {
        return new TransformerInput(image, references, text, timestep, guidance, cache);
    }

    /// Latents of the image, then of the references: `[B, Si + Sr, 128]`, in the dtype of the image's.
    Tensor latents() {
        DType dtype = DType.of(image.latents());
        return joined(tokens -> dtype.cast(tokens.latents()));
    }

    /// Ids of text, image and references, `[1, St + Si + Sr, 4]`, in float64.
    Tensor ids() {
        return Ops.cat(1, DType.FLOAT64.cast(text.ids()), joined(tokens -> DType.FLOAT64.cast(tokens.ids())));
    }

    private Tensor joined(Function<ImageTokens, Tensor> part) {
        List<Tensor> parts = new ArrayList<>();
        parts.add(part.apply(image));
        references.forEach(reference -> parts.add(part.apply(reference)));
        return Ops.cat(1, parts);
    }

    private static void requireBatch(String what, Tensor tensor, long batch) {
        if (tensor.size(0) != batch) {
            throw new InvalidRequestException(
                    what, "batch size %s, but the latents have %s".formatted(tensor.size(0), batch));
        }
    }
}
