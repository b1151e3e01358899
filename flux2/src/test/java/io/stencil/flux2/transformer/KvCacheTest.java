package io.stencil.flux2.transformer;

import static io.stencil.testing.TensorAssert.assertSame;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KvCacheTest {

    private static final BlockId DOUBLE_0 = new BlockId.DoubleStream(0);
    private static final BlockId SINGLE_1 = new BlockId.SingleStream(1);

    private static Tensor filled(double value, long... shape) {
        return Tensors.full(value, DType.FLOAT32, Device.CPU, shape);
    }

    private static KeyValue tokens(double value, long batch, long count, long heads) {
        return new KeyValue(filled(value, batch, count, heads, 32), filled(-value, batch, count, heads, 32));
    }

    @Test
    void mergingJoinsAlongTheTokensInOrder() {
        try (Scope _ = new Scope()) {
            KvCache first = new KvCache(Map.of(DOUBLE_0, tokens(1, 1, 2, 4)));
            KvCache second = new KvCache(Map.of(DOUBLE_0, tokens(2, 1, 3, 4), SINGLE_1, tokens(3, 1, 1, 4)));
            KvCache merged = KvCache.merge(List.of(first, second));

            KeyValue both = Objects.requireNonNull(merged.get(DOUBLE_0));
            assertSame("k", both.k(), Ops.cat(1, filled(1, 1, 2, 4, 32), filled(2, 1, 3, 4, 32)));
            assertSame("v", both.v(), Ops.cat(1, filled(-1, 1, 2, 4, 32), filled(-2, 1, 3, 4, 32)));
            KeyValue one = Objects.requireNonNull(merged.get(SINGLE_1));
            assertSame("only in the second", one.k(), filled(3, 1, 1, 4, 32));
            assertThat(merged.get(new BlockId.SingleStream(0))).isNull();
        }
    }

    @Test
    void mergingNothingGivesAnEmptyCache() {
        assertThat(KvCache.merge(List.of())).isEqualTo(KvCache.empty());
    }

    @Test
    void oneSampleIsSharedByABatchItIsMergedWith() {
        try (Scope _ = new Scope()) {
            KvCache merged = KvCache.merge(List.of(
                    new KvCache(Map.of(DOUBLE_0, tokens(1, 1, 2, 4))),
                    new KvCache(Map.of(DOUBLE_0, tokens(2, 3, 1, 4)))));
            KeyValue both = Objects.requireNonNull(merged.get(DOUBLE_0));
            assertSame("k", both.k(), Ops.cat(1, filled(1, 3, 2, 4, 32), filled(2, 3, 1, 4, 32)));
        }
    }

    @Test
    void cachesOfOtherHeadsCannotBeMerged() {
        try (Scope _ = new Scope()) {
            KvCache four = new KvCache(Map.of(DOUBLE_0, tokens(1, 1, 2, 4)));
            KvCache eight = new KvCache(Map.of(DOUBLE_0, tokens(1, 1, 2, 8)));
            assertThatThrownBy(() -> KvCache.merge(List.of(four, eight)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'kv_cache.double_0': caches of [1, 2, 4, 32] and [1, 2, 8, 32] cannot be joined along"
                            + " the tokens");
        }
    }

    @Test
    void keysAndValuesMustHaveOneShape() {
        try (Scope _ = new Scope()) {
            KeyValue uneven = new KeyValue(filled(1, 1, 2, 4, 32), filled(1, 1, 3, 4, 32));
            assertThatThrownBy(() -> new KvCache(Map.of(SINGLE_1, uneven)))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'kv_cache.single_1': k is [1, 2, 4, 32] and v [1, 3, 4, 32]; both must be one shape"
                            + " [B, L, heads, head_dim]");
        }
    }

    @Test
    void aBlockThatTheTransformerLacksIsNamed() {
        try (Scope _ = new Scope()) {
            KvCache cache = new KvCache(Map.of(new BlockId.SingleStream(3), tokens(1, 1, 2, 4)));
            assertThatThrownBy(() -> cache.require(TinyTransformer.config(), 1))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'kv_cache.single_3': the transformer has no such block; it has 2 double and 3 single"
                            + " ones");
        }
    }

    @Test
    void headsAndBatchMustFitTheTransformer() {
        try (Scope _ = new Scope()) {
            KvCache heads = new KvCache(Map.of(DOUBLE_0, tokens(1, 1, 2, 8)));
            assertThatThrownBy(() -> heads.require(TinyTransformer.config(), 1))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'kv_cache.double_0': k and v are [1, 2, 8, 32], the transformer needs [1, L, 4, 32]");
            KvCache batch = new KvCache(Map.of(DOUBLE_0, tokens(1, 3, 2, 4)));
            assertThatThrownBy(() -> batch.require(TinyTransformer.config(), 2))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageEndingWith("k and v are [3, 2, 4, 32], the transformer needs [1 or 2, L, 4, 32]");
        }
    }

    @Test
    void aBlockHasOneKey() {
        for (BlockId block : TinyTransformer.blocks()) {
            assertThat(BlockId.parse(block.key())).isEqualTo(block);
        }
        assertThat(BlockId.parse("double_3")).isEqualTo(new BlockId.DoubleStream(3));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "double", "double_", "double_-1", "double_03", "triple_0", "single_1 ", "single_1234567"})
    void otherTextsNameNoBlock(String key) {
        assertThatThrownBy(() -> BlockId.parse(key))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'kv_cache': '" + key
                        + "' names no block; expected double_N or single_N with N from 0, such as double_3");
    }
}
