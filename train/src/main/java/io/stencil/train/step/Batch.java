package io.stencil.train.step;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;

/// Joins samples along the batch. One sample is passed through as it is.
final class Batch {

    private Batch() {}

    /// @param parts of equal shape, `[1, ...]` each
    /// @return `[B, ...]`
    /// @throws InvalidRequestException when the shapes differ
    static Tensor join(String what, List<Tensor> parts) {
        long[] first = Tensors.shape(parts.getFirst());
        for (Tensor part : parts) {
            if (!Arrays.equals(first, Tensors.shape(part))) {
                throw unlike(what, Arrays.toString(first), Arrays.toString(Tensors.shape(part)));
            }
        }
        return Ops.cat(0, parts);
    }

    static ImageTokens images(String what, List<ImageTokens> samples) {
        return new ImageTokens(
                join(what, samples.stream().map(ImageTokens::latents).toList()),
                samples.getFirst().ids());
    }

    static TextTokens texts(List<TextTokens> samples) {
        return new TextTokens(
                join("text tokens", samples.stream().map(TextTokens::embeds).toList()),
                samples.getFirst().ids());
    }

    /// @param samples the reference images of each sample
    static List<ImageTokens> references(List<List<ImageTokens>> samples) {
        int count = same("edit images", samples, List::size);
        List<ImageTokens> joined = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int index = i;
            joined.add(images(
                    "edit images",
                    samples.stream().map(references -> references.get(index)).toList()));
        }
        return joined;
    }

    static KvCache kvCaches(List<KvCache> samples) {
        if (samples.size() == 1) {
            return samples.getFirst();
        }
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        for (BlockId block :
                same("blocks of the KV cache", samples, cache -> cache.blocks().keySet())) {
            List<KeyValue> cached = samples.stream()
                    .map(cache -> Objects.requireNonNull(cache.get(block)))
                    .toList();
            blocks.put(
                    block,
                    new KeyValue(
                            join("cached keys", cached.stream().map(KeyValue::k).toList()),
                            join(
                                    "cached values",
                                    cached.stream().map(KeyValue::v).toList())));
        }
        return new KvCache(blocks);
    }

    /// An update for each sample, on all layers that any of them updates.
    static Lora loras(List<Lora> samples) {
        if (samples.size() == 1) {
            return samples.getFirst();
        }
        samples.stream()
                .flatMap(lora -> lora.others().keySet().stream())
                .findFirst()
                .ifPresent(layer -> {
                    throw new InvalidRequestException(
                            "batch_size",
                            "'%s' has an update that is not low-rank (DoRA, LoKr or a whole matrix), which cannot be joined along a batch; train with --batch_size 1"
                                    .formatted(layer));
                });
        Map<String, LoraPair> any = new LinkedHashMap<>();
        samples.forEach(lora -> lora.pairs().forEach(any::putIfAbsent));
        Map<String, LoraPair> stacked = new LinkedHashMap<>();
        any.forEach((layer, pair) -> stacked.put(
                layer,
                LoraPair.stack(samples.stream()
                        .map(lora -> lora.pairs().getOrDefault(layer, pair.neutral()))
                        .toList())));
        return new Lora(stacked);
    }

    /// What all samples have alike.
    ///
    /// @throws InvalidRequestException when they do not
    static <S, V> V same(String what, List<S> samples, Function<S, V> value) {
        V first = value.apply(samples.getFirst());
        for (S sample : samples) {
            V other = value.apply(sample);
            if (!first.equals(other)) {
                throw unlike(what, String.valueOf(first), String.valueOf(other));
            }
        }
        return first;
    }

    private static InvalidRequestException unlike(String what, String first, String other) {
        return new InvalidRequestException(
                "batch_size",
                "%s of a batch must be alike, found %s and %s; train with --batch_size 1"
                        .formatted(what, first, other));
    }
}
