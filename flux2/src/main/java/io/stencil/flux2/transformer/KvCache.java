package io.stencil.flux2.transformer;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.TensorDefect;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Extra keys and values per block, by which a Template steers the transformer. Blocks may be absent.
///
/// The tensors stay their owner's.
public record KvCache(Map<BlockId, KeyValue> blocks) {

    private static final KvCache EMPTY = new KvCache(Map.of());

    /// @throws InvalidRequestException when the k or v of a block is not `[B, L, H, Dh]` or was freed, or the two
    /// differ
    public KvCache {
        blocks = Collections.unmodifiableMap(new LinkedHashMap<>(blocks));
        blocks.forEach((block, cached) -> {
            requireThere(block, "k", cached.k());
            requireThere(block, "v", cached.v());
            if (cached.k().dim() != 4 || !Arrays.equals(Tensors.shape(cached.k()), Tensors.shape(cached.v()))) {
                throw fault(
                        block,
                        "k is %s and v %s; both must be one shape [B, L, heads, head_dim]"
                                .formatted(shape(cached.k()), shape(cached.v())));
            }
        });
    }

    private static void requireThere(BlockId block, String part, Tensor tensor) {
        TensorDefect.of(tensor)
                .filter(defect -> defect != TensorDefect.WITHOUT_CONTENT) // has a shape
                .ifPresent(defect -> {
                    throw new InvalidRequestException("kv_cache." + block.key() + "." + part, defect.text());
                });
    }

    public static KvCache empty() {
        return EMPTY;
    }

    /// Joins caches along the tokens, in their order. A block that only some have takes those.
    ///
    /// @throws InvalidRequestException when a block's heads differ between caches, or its batch sizes do
    ///     and neither is 1
    public static KvCache merge(List<KvCache> caches) {
        Map<BlockId, List<KeyValue>> parts = new LinkedHashMap<>();
        for (KvCache cache : caches) {
            cache.blocks.forEach((block, cached) ->
                    parts.computeIfAbsent(block, _ -> new ArrayList<>()).add(cached));
        }
        Map<BlockId, KeyValue> merged = new LinkedHashMap<>();
        parts.forEach((block, cached) -> merged.put(block, join(block, cached)));
        return new KvCache(merged);
    }

    private static KeyValue join(BlockId block, List<KeyValue> parts) {
        Tensor first = parts.getFirst().k();
        long batch = parts.stream().mapToLong(part -> part.k().size(0)).max().orElseThrow();
        for (KeyValue part : parts) {
            Tensor k = part.k();
            boolean fits =
                    k.size(2) == first.size(2) && k.size(3) == first.size(3) && (k.size(0) == batch || k.size(0) == 1);
            if (!fits) {
                throw fault(
                        block,
                        "caches of %s and %s cannot be joined along the tokens".formatted(shape(first), shape(k)));
            }
        }
        return KeyValue.join(parts.stream().map(part -> part.expandTo(batch)).toList());
    }

    /// What a block attends to beside its own tokens, or null for nothing.
    public @Nullable KeyValue get(BlockId block) {
        return blocks.get(block);
    }

    /// Demands that every block is one of the transformer's, with its heads, for one sample or for `batch`.
    ///
    /// @throws InvalidRequestException naming the block that is not
    public void require(TransformerConfig config, long batch) {
        blocks.forEach((block, cached) -> {
            if (!block.isIn(config)) {
                throw fault(
                        block,
                        "the transformer has no such block; it has %s double and %s single ones"
                                .formatted(config.numLayers(), config.numSingleLayers()));
            }
            Tensor k = cached.k();
            boolean fits = (k.size(0) == 1 || k.size(0) == batch)
                    && k.size(2) == config.numAttentionHeads()
                    && k.size(3) == config.attentionHeadDim();
            if (!fits) {
                throw fault(
                        block,
                        "k and v are %s, the transformer needs [%s, L, %s, %s]"
                                .formatted(
                                        shape(k),
                                        batch == 1 ? "1" : "1 or " + batch,
                                        config.numAttentionHeads(),
                                        config.attentionHeadDim()));
            }
        });
    }

    private static InvalidRequestException fault(BlockId block, String what) {
        return new InvalidRequestException("kv_cache." + block.key(), what);
    }

    private static String shape(Tensor tensor) {
        return Arrays.toString(Tensors.shape(tensor));
    }
}
