package io.stencil.template;

import io.stencil.error.Arguments;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.tensor.Ops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Output of a Template model: parameters of the pipeline. Parts that it does not steer are empty.
///
/// @param kvCache keys and values appended to the transformer's attention
/// @param lora updates of the transformer's linear layers, for this side's passes only
/// @param textEmbedding `[1, S, joint]`, appended behind the prompt's embeddings, or null
/// @param settings other parameters of the generation that the Template sets
public record TemplateCache(
        KvCache kvCache, Lora lora, @Nullable Tensor textEmbedding, List<PipelineSetting> settings) {

    public TemplateCache {
        Arguments.require("kv_cache", kvCache, "KvCache.empty() steers no block");
        Arguments.require("lora", lora, "Lora.empty() changes no layer");
        Arguments.require("settings", settings, "List.of() sets nothing");
        settings = List.copyOf(settings);
    }

    public static TemplateCache empty() {
        return new TemplateCache(KvCache.empty(), Lora.empty(), null, List.of());
    }

    public static TemplateCache of(KvCache kvCache) {
        return new TemplateCache(kvCache, Lora.empty(), null, List.of());
    }

    public static TemplateCache of(Lora lora) {
        return new TemplateCache(KvCache.empty(), lora, null, List.of());
    }

    public static TemplateCache of(Tensor textEmbedding) {
        return new TemplateCache(KvCache.empty(), Lora.empty(), textEmbedding, List.of());
    }

    public TemplateCache withSettings(PipelineSetting... more) {
        List<PipelineSetting> all = new ArrayList<>(settings);
        all.addAll(List.of(more));
        return new TemplateCache(kvCache, lora, textEmbedding, all);
    }

    /// Applies `copy` to every tensor.
    public TemplateCache map(UnaryOperator<Tensor> copy) {
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        kvCache.blocks()
                .forEach((block, cached) ->
                        blocks.put(block, new KeyValue(copy.apply(cached.k()), copy.apply(cached.v()))));
        return new TemplateCache(
                new KvCache(blocks),
                lora.map(copy),
                textEmbedding == null ? null : copy.apply(textEmbedding),
                settings);
    }

    /// One cache with the effect of all, in their order.
    ///
    /// Keys and values and text embeddings are joined along the sequence, LoRAs added up. Of two settings of one kind
    /// the first wins, with a message to `warnings`.
    public static TemplateCache merge(List<TemplateCache> caches, Warnings warnings) {
        List<Tensor> texts = caches.stream()
                .map(TemplateCache::textEmbedding)
                .filter(Objects::nonNull)
                .toList();
        List<PipelineSetting> settings = new ArrayList<>();
        for (TemplateCache cache : caches) {
            for (PipelineSetting setting : cache.settings) {
                if (settings.stream().anyMatch(earlier -> earlier.getClass() == setting.getClass())) {
                    warnings.warn("two Templates set %s; the first one's value is used".formatted(setting.parameter()));
                } else {
                    settings.add(setting);
                }
            }
        }
        return new TemplateCache(
                KvCache.merge(caches.stream().map(TemplateCache::kvCache).toList()),
                Lora.merge(caches.stream().map(TemplateCache::lora).toList()),
                texts.isEmpty() ? null : Ops.cat(1, texts),
                settings);
    }
}
