package io.stencil.template.load;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.LoraBinding;
import io.stencil.template.TemplateCache;
import io.stencil.tensor.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Holds what a Template gives against the transformer that is to use it, so that a fault names the Template.
final class CacheCheck {

    private CacheCheck() {}

    /// @param origin the file that declares the Template
    /// @throws TemplateException naming the part, its shape and the shape that fits
    static void requireFits(TemplateCache cache, Flux2Transformer transformer, Path origin) {
        try {
            cache.kvCache().require(transformer.config(), 1);
            LoraBinding.check(transformer, cache.lora());
            requireText(cache.textEmbedding(), transformer.config());
        } catch (InvalidRequestException e) {
            throw new TemplateException(
                    Location.of(origin), "forward() gives what the base model cannot use: " + e.getMessage(), e);
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
