package io.stencil.template.load;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.LoraPair;
import io.stencil.template.TemplateCache;
import io.stencil.template.author.AuthorCode;
import io.stencil.tensor.DType;
import io.stencil.tensor.TensorDefect;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Validates the [TemplateCache] of a forward pass for the transformer that uses it, so that a fault names the
/// Template.
final class CacheCheck {

    private final AuthorCode code;

    CacheCheck(AuthorCode code) {
        this.code = code;
    }

    /// @throws TemplateException naming the entry, such as `kv_cache.double_3.k`, what is wrong with it and the remedy
    void requireFits(TemplateCache cache, Flux2Transformer transformer) {
        cache.kvCache().blocks().forEach((block, cached) -> {
            requireUsable("kv_cache." + block.key() + ".k", cached.k());
            requireUsable("kv_cache." + block.key() + ".v", cached.v());
        });
        cache.lora().pairs().forEach((layer, pair) -> requirePair("lora." + layer, pair));
        if (cache.textEmbedding() != null) {
            requireUsable("text_embedding", cache.textEmbedding());
        }
        try {
            cache.kvCache().require(transformer.config(), 1);
            LoraBinding.check(transformer, cache.lora());
            cache.lora().pairs().forEach(CacheCheck::requireOneSample);
            requireText(cache.textEmbedding(), transformer.config());
        } catch (InvalidRequestException e) {
            throw new TemplateException(
                    Location.of(code.origin()), "forward() gives what the base model cannot use: " + e.getMessage(), e);
        }
    }

    private void requirePair(String name, @Nullable LoraPair pair) {
        requireUsable(name + ".lora_A", pair == null ? null : pair.a());
        requireUsable(name + ".lora_B", pair == null ? null : pair.b());
    }

    private void requireUsable(String name, @Nullable Tensor tensor) {
        Optional<TensorDefect> defect = TensorDefect.of(tensor);
        if (defect.isPresent()) {
            throw code.unusable("forward()", name, tensor, defect.get());
        }
        if (tensor != null && !DType.of(tensor).isFloatingPoint()) {
            throw new TemplateException(
                    code.origin(),
                    "forward() gives what the base model cannot use: '%s': is %s, expected a floating-point dtype; use context.dtype()"
                            .formatted(name, DType.of(tensor).text()));
        }
    }

    private static void requireOneSample(String layer, LoraPair pair) {
        if (pair.isPerSample() && pair.a().size(0) != 1) {
            throw new InvalidRequestException(
                    "lora." + layer,
                    "has updates of %s samples; expected one".formatted(pair.a().size(0)));
        }
    }

    private static void requireText(@Nullable Tensor text, TransformerConfig config) {
        if (text == null) {
            return;
        }
        boolean fits = text.dim() == 3 && text.size(0) == 1 && text.size(2) == config.jointAttentionDim();
        if (!fits) {
            throw new InvalidRequestException(
                    "text_embedding",
                    "is %s, the transformer needs [1, S, %s]"
                            .formatted(Arrays.toString(Tensors.shape(text)), config.jointAttentionDim()));
        }
    }
}
