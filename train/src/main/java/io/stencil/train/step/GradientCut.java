package io.stencil.train.step;

import io.stencil.autograd.GradientTape;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.template.TemplateCache;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A Template's cache cut off from the network that made it, so that the backward pass goes in two strides: through
/// the transformer to the cache, then from the cache through the Template.
///
/// In one stride a transformer that recomputes its blocks would run through the Template's graph once for each
/// block that a LoRA of the Template is loaded on, and libtorch frees that graph the first time.
final class GradientCut {

    private record Leaf(Tensor original, Tensor detached) {}

    private final List<Leaf> leaves = new ArrayList<>();
    private final TemplateCache cache;

    GradientCut(TemplateCache original) {
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        original.kvCache()
                .blocks()
                .forEach((block, cached) -> blocks.put(block, new KeyValue(cut(cached.k()), cut(cached.v()))));
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        original.lora().pairs().forEach((name, pair) -> pairs.put(name, new LoraPair(cut(pair.a()), cut(pair.b()))));
        Tensor text = original.textEmbedding();
        cache = new TemplateCache(
                new KvCache(blocks), new Lora(pairs), text == null ? null : cut(text), original.settings());
    }

    private Tensor cut(Tensor tensor) {
        if (!tensor.requires_grad()) {
            return tensor;
        }
        Tensor detached = tensor.detach();
        detached.requires_grad_(true);
        leaves.add(new Leaf(tensor, detached));
        return detached;
    }

    /// The same values, differentiable on their own.
    TemplateCache cache() {
        return cache;
    }

    /// The second stride: takes on the gradients that the cache has got by now.
    void backward(GradientTape tape) {
        Tensor sum = surrogate();
        if (sum != null) {
            tape.backward(sum);
        }
    }

    /// A number whose gradient with respect to each part of the cache is the gradient that the part has got.
    private @Nullable Tensor surrogate() {
        Tensor sum = null;
        for (Leaf leaf : leaves) {
            Tensor gradient = leaf.detached.grad();
            if (gradient.defined()) {
                Tensor product = leaf.original.mul(gradient).sum();
                sum = sum == null ? product : sum.add(product);
            }
        }
        return sum;
    }
}
