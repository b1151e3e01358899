package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TemplateCacheTest {

    private static final BlockId FIRST = new BlockId.DoubleStream(0);
    private static final BlockId SECOND = new BlockId.SingleStream(0);

    private static Tensor full(double value, long... shape) {
        return Tensors.full(value, DType.FLOAT32, Device.CPU, shape);
    }

    private static KvCache kv(BlockId block, double value, long length) {
        return new KvCache(Map.of(block, new KeyValue(full(value, 1, length, 1, 1), full(-value, 1, length, 1, 1))));
    }

    private static TemplateCache merge(List<String> warnings, TemplateCache... caches) {
        return TemplateCache.merge(List.of(caches), warnings::add);
    }

    @Test
    void keysAndValuesAreJoinedInOrderAndABlockOfOneCacheStays() {
        try (Scope _ = new Scope()) {
            TemplateCache merged = merge(
                    new ArrayList<>(),
                    TemplateCache.of(kv(FIRST, 1, 2)),
                    TemplateCache.of(kv(SECOND, 5, 1)),
                    TemplateCache.of(kv(FIRST, 2, 1)));
            KeyValue first = Objects.requireNonNull(merged.kvCache().get(FIRST));
            assertThat(Tensors.toFloats(first.k())).containsExactly(1, 1, 2);
            assertThat(Tensors.toFloats(first.v())).containsExactly(-1, -1, -2);
            KeyValue second = Objects.requireNonNull(merged.kvCache().get(SECOND));
            assertThat(Tensors.toFloats(second.k())).containsExactly(5);
        }
    }

    @Test
    void lorasAreAddedUpAndALayerOfOneLoraStays() {
        try (Scope _ = new Scope()) {
            TemplateCache one = TemplateCache.of(new Lora(Map.of("x", new LoraPair(full(1, 2, 3), full(1, 4, 2)))));
            TemplateCache two = TemplateCache.of(new Lora(Map.of(
                    "x", new LoraPair(full(2, 1, 3), full(2, 4, 1)), "y", new LoraPair(full(3, 1, 1), full(3, 1, 1)))));
            Map<String, LoraPair> pairs =
                    merge(new ArrayList<>(), one, two).lora().pairs();
            LoraPair x = Objects.requireNonNull(pairs.get("x"));
            // 1 * 1 twice for the first one's rank of 2, and 2 * 2 for the second one
            assertThat(Tensors.toFloats(x.b().matmul(x.a()))).containsOnly(6);
            assertThat(pairs).containsOnlyKeys("x", "y");
        }
    }

    @Test
    void textEmbeddingsAreJoinedAlongTheSequence() {
        try (Scope _ = new Scope()) {
            Tensor text = Objects.requireNonNull(merge(
                            new ArrayList<>(),
                            TemplateCache.of(full(1, 1, 2, 3)),
                            TemplateCache.empty(),
                            TemplateCache.of(full(2, 1, 1, 3)))
                    .textEmbedding());
            assertThat(Tensors.shape(text)).containsExactly(1, 3, 3);
        }
    }

    @Test
    void ofTwoSettingsTheFirstWinsWithAWarning() {
        List<String> warnings = new ArrayList<>();
        PipelineSetting first = new PipelineSetting.DenoisingStrength(0.3);
        PipelineSetting second = new PipelineSetting.DenoisingStrength(0.6);
        PipelineSetting other = new PipelineSetting.EmbeddedGuidance(2);
        TemplateCache merged = merge(
                warnings,
                TemplateCache.empty().withSettings(first),
                TemplateCache.empty().withSettings(second, other));
        assertThat(merged.settings()).containsExactly(first, other);
        assertThat(warnings).containsExactly("two Templates set denoising_strength; the first one's value is used");
    }
}
