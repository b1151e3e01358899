package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AttentionTest {

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(11);

    @AfterEach
    void free() {
        generator.close();
        scope.close();
    }

    private Tensor random(long... shape) {
        return generator.randn(DType.FLOAT32, shape);
    }

    @Test
    void weighsValuesBySoftmaxOfScaledProducts() {
        // Scores 2 * ln(3) / sqrt(4) = ln(3) and 0: weights 3/4 and 1/4.
        float half = (float) (Math.log(3) / 2);
        Tensor q = Tensors.of(new float[] {1, 1, 1, 1}, 1, 1, 1, 4);
        Tensor k = Tensors.of(new float[] {half, half, half, half, 0, 0, 0, 0}, 1, 2, 1, 4);
        Tensor v = Tensors.of(new float[] {4, 0, 8, 0, 0, 4, 0, 8}, 1, 2, 1, 4);
        Tensor attended = Attention.attend(q, k, v);
        assertThat(Tensors.shape(attended)).containsExactly(1, 1, 4);
        assertThat(Tensors.toFloats(attended))
                .usingComparatorWithPrecision(1e-5f)
                .containsExactly(3, 1, 6, 2);
    }

    @Test
    void headsAreApartAndJoinedInOrder() {
        Tensor q = random(2, 3, 4, 8);
        Tensor k = random(2, 5, 4, 8);
        Tensor v = random(2, 5, 4, 8);
        Tensor attended = Attention.attend(q, k, v);
        assertThat(Tensors.shape(attended)).containsExactly(2, 3, 32);
        for (int head = 0; head < 4; head++) {
            Tensor alone = Attention.attend(q.narrow(2, head, 1), k.narrow(2, head, 1), v.narrow(2, head, 1));
            TensorAssert.assertClose("head " + head, attended.narrow(2, head * 8L, 8), alone, 1e-6);
        }
    }

    @Test
    void bfloat16OnTheCpuIsComputedInFloat32() {
        Tensor q = DType.BFLOAT16.cast(random(1, 7, 2, 16));
        Tensor k = DType.BFLOAT16.cast(random(1, 9, 2, 16));
        Tensor v = DType.BFLOAT16.cast(random(1, 9, 2, 16));
        Tensor attended = Attention.attend(q, k, v);
        assertThat(DType.of(attended)).isEqualTo(DType.BFLOAT16);
        Tensor exact = Attention.attend(DType.FLOAT32.cast(q), DType.FLOAT32.cast(k), DType.FLOAT32.cast(v));
        TensorAssert.assertSame("bfloat16", attended, DType.BFLOAT16.cast(exact));
    }

    @Test
    void groupsOfQueriesShareOneHeadOfKeys() {
        Tensor q = random(1, 3, 4, 8);
        Tensor k = random(1, 5, 2, 8);
        Tensor v = random(1, 5, 2, 8);
        Tensor attended = Attention.attend(q, k, v);
        for (int head = 0; head < 4; head++) {
            Tensor alone = Attention.attend(q.narrow(2, head, 1), k.narrow(2, head / 2, 1), v.narrow(2, head / 2, 1));
            TensorAssert.assertClose("head " + head, attended.narrow(2, head * 8L, 8), alone, 1e-6);
        }
    }

    @Test
    void maskedKeysHaveNoPart() {
        Tensor q = random(1, 3, 2, 8);
        Tensor k = random(1, 4, 2, 8);
        Tensor v = random(1, 4, 2, 8);
        Tensor mask = DType.BOOL.cast(Tensors.of(new long[] {1, 1, 0, 0}, 1, 1, 1, 4));
        Tensor cut = Attention.attend(q, k.narrow(1, 0, 2), v.narrow(1, 0, 2));
        TensorAssert.assertClose("masked", Attention.attend(q, k, v, mask), cut, 1e-6);
        Tensor half = Attention.attend(DType.BFLOAT16.cast(q), DType.BFLOAT16.cast(k), DType.BFLOAT16.cast(v), mask);
        TensorAssert.assertClose("masked in bfloat16", half, cut, 2e-2);
    }

    @Test
    void gradientsFlowToQueriesKeysAndValues() {
        Tensor q = random(1, 2, 1, 4);
        Tensor k = random(1, 3, 1, 4);
        Tensor v = random(1, 3, 1, 4);
        for (Tensor input : new Tensor[] {q, k, v}) {
            input.requires_grad_(true);
        }
        Ops.mul(Attention.attend(q, k, v), 2).square().sum().backward();
        for (Tensor input : new Tensor[] {q, k, v}) {
            assertThat(Tensors.toDouble(input.grad().abs().max())).isPositive();
        }
    }
}
