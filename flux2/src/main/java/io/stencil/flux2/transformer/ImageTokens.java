package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/// An image as the transformer sees it.
///
/// @param latents `[B, Si, 128]`, row major; their dtype is the one that the transformer computes in
/// @param ids `[1, Si, 4]`, see [TokenIds]
public record ImageTokens(Tensor latents, Tensor ids) {

    /// @throws InvalidRequestException when the shapes do not fit together
    public ImageTokens {
        checkIds(latents, ids);
    }

    /// Flattens the latents of an image and adds the ids of the generated image.
    ///
    /// @param latents `[B, C, h, w]`
    public static ImageTokens ofLatents(Tensor latents) {
        return new ImageTokens(
                flatten(latents), TokenIds.image(Math.toIntExact(latents.size(2)), Math.toIntExact(latents.size(3))));
    }

    /// Flattens latents `[B, C, h, w]` to a row-major sequence of tokens `[B, h * w, C]`.
    public static Tensor flatten(Tensor latents) {
        return latents.flatten(2, 3).transpose(1, 2);
    }

    /// Arranges a sequence of tokens `[B, h * w, C]` as latents `[B, C, h, w]`.
    public static Tensor unflatten(Tensor tokens, long h, long w) {
        return tokens.transpose(1, 2).reshape(tokens.size(0), tokens.size(2), h, w);
    }

    /// The same tokens for every sample of a batch, where there is one; no memory is taken.
    public ImageTokens expandTo(long batch) {
        return latents.size(0) == batch
                ? this
                : new ImageTokens(latents.expand(batch, latents.size(1), latents.size(2)), ids);
    }

    static void checkIds(Tensor tokens, Tensor ids) {
        boolean fits = tokens.dim() == 3
                && ids.dim() == 3
                && ids.size(0) == 1
                && ids.size(1) == tokens.size(1)
                && ids.size(2) == TokenIds.COLUMNS;
        if (!fits) {
            throw new InvalidRequestException(
                    "imageIds",
                    "tokens %s and ids %s do not fit; expected [B, S, C] and [1, S, 4]"
                            .formatted(Arrays.toString(Tensors.shape(tokens)), Arrays.toString(Tensors.shape(ids))));
        }
    }
}
