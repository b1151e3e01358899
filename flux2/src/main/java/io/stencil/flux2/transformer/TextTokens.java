package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/// A prompt as the transformer sees it.
///
/// @param embeds `[B, St, joint_attention_dim]`
/// @param ids `[1, St, 4]`, see [TokenIds]
public record TextTokens(Tensor embeds, Tensor ids) {

    /// @throws IllegalArgumentException when the shapes do not fit together
    public TextTokens {
        ImageTokens.checkIds(embeds, ids);
    }

    /// Tokens at positions 0, 1, ...
    ///
    /// @param embeds `[B, St, joint_attention_dim]`
    public static TextTokens of(Tensor embeds) {
        return new TextTokens(embeds, TokenIds.text(Math.toIntExact(embeds.size(1))));
    }

    /// The same prompt for every sample of a batch, where there is one; no memory is taken.
    public TextTokens expandTo(long batch) {
        return embeds.size(0) == batch
                ? this
                : new TextTokens(embeds.expand(batch, embeds.size(1), embeds.size(2)), ids);
    }

    /// Puts more tokens behind these; their positions go on from St. Gradients flow into them.
    ///
    /// @param extraEmbeds `[B or 1, Se, joint_attention_dim]`
    /// @throws InvalidRequestException when the shape does not fit
    public TextTokens append(Tensor extraEmbeds) {
        long batch = embeds.size(0);
        boolean fits = extraEmbeds.dim() == 3
                && (extraEmbeds.size(0) == batch || extraEmbeds.size(0) == 1)
                && extraEmbeds.size(2) == embeds.size(2);
        if (!fits) {
            throw new InvalidRequestException(
                    "text_embedding",
                    "is %s, the transformer needs [%s, S, %s]"
                            .formatted(Arrays.toString(Tensors.shape(extraEmbeds)), batch, embeds.size(2)));
        }
        long count = extraEmbeds.size(1);
        Tensor extra = DType.of(embeds).cast(extraEmbeds).expand(batch, count, embeds.size(2));
        Tensor extraIds = TokenIds.text(embeds.size(1), Math.toIntExact(count));
        return new TextTokens(
                Ops.cat(1, embeds, extra), Ops.cat(1, ids, Device.of(ids).place(extraIds, DType.of(ids))));
    }
}
