package io.stencil.pipeline;

import io.stencil.error.Arguments;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Conditions of one side of classifier-free guidance.
///
/// @param prompt text of this side
/// @param kvCache keys and values appended to the transformer's attention
/// @param lora updates that are hot-loaded for this side's passes only
/// @param textEmbedding `[1, S, joint]`, appended behind the prompt's embeddings
public record SideConditions(
        String prompt, KvCache kvCache, Lora lora, @Nullable Tensor textEmbedding) {

    /// @throws io.stencil.error.InvalidRequestException when one but the text embedding is null
    public SideConditions {
        Arguments.require("prompt", prompt, "an empty one is allowed");
        Arguments.require("kv_cache", kvCache, "KvCache.empty() steers no block");
        Arguments.require("lora", lora, "Lora.empty() changes no layer");
    }

    public static SideConditions of(String prompt) {
        return new SideConditions(prompt, KvCache.empty(), Lora.empty(), null);
    }

    public SideConditions withPrompt(String text) {
        return new SideConditions(text, kvCache, lora, textEmbedding);
    }
}
