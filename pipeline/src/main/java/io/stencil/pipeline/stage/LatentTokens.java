package io.stencil.pipeline.stage;

import org.bytedeco.pytorch.Tensor;

/// Latents as a picture and as the transformer's row-major sequence of tokens.
public final class LatentTokens {

    private LatentTokens() {}

    /// `[B, C, h, w]` to `[B, h * w, C]`.
    public static Tensor fromPicture(Tensor latents) {
        return latents.flatten(2, 3).transpose(1, 2);
    }

    /// `[B, h * w, C]` to `[B, C, h, w]`.
    public static Tensor toPicture(Tensor tokens, long h, long w) {
        return tokens.transpose(1, 2).reshape(tokens.size(0), tokens.size(2), h, w);
    }
}
