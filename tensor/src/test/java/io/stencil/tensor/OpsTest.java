package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.GradMode;
import io.stencil.error.InvalidRequestException;
import java.util.List;
import org.assertj.core.api.AbstractFloatArrayAssert;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpsTest {

    private final Scope scope = new Scope();

    @AfterEach
    void free() {
        scope.close();
    }

    private static Tensor row(float... values) {
        return Tensors.of(values, 1, values.length);
    }

    private static AbstractFloatArrayAssert<?> values(Tensor tensor) {
        return assertThat(Tensors.toFloats(tensor)).usingComparatorWithPrecision(1e-5f);
    }

    @Test
    void cat() {
        values(Ops.cat(0, row(1, 2), row(3, 4))).containsExactly(1, 2, 3, 4);
        Tensor joined = Ops.cat(1, List.of(row(1, 2), row(3)));
        assertThat(Tensors.shape(joined)).containsExactly(1, 3);
        Tensor one = row(1);
        assertThat(Ops.cat(0, one)).isSameAs(one);
        assertThatThrownBy(() -> Ops.cat(0, List.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'tensors': nothing to join");
    }

    @Test
    void chunk() {
        List<Tensor> parts = Ops.chunk(row(1, 2, 3, 4, 5, 6), 3, -1);
        assertThat(parts).hasSize(3);
        values(parts.get(1)).containsExactly(3, 4);
        assertThatThrownBy(() -> Ops.chunk(row(1, 2, 3), 2, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'count': 3 elements cannot be split into 2 parts");
    }

    @Test
    void splitGivesViewsThatOutliveIt() {
        try (Scope _ = new Scope()) {
            List<Tensor> parts;
            try (Scope scope = new Scope()) {
                parts = Ops.split(row(1, 2, 3, 4, 5, 6), 1, 2, 4).stream()
                        .map(scope::keep)
                        .toList();
            }
            values(parts.get(0)).containsExactly(1, 2);
            values(parts.get(1)).containsExactly(3, 4, 5, 6);
        }
    }

    @Test
    void complexNumbersAreMultiplied() {
        values(Ops.multiplyComplex(row(1, 2), row(3, 5))).containsExactly(1 * 3 - 2 * 5, 1 * 5 + 2 * 3);
    }

    @Test
    void scalarArithmetic() {
        values(Ops.mul(row(1, 2), 3)).containsExactly(3, 6);
        values(Ops.add(row(1, 2), 0.5)).containsExactly(1.5f, 2.5f);
        values(Ops.addScaled(row(1, 2), row(10, 20), -0.5)).containsExactly(-4, -8);
        values(Ops.clamp(row(-2, 0.5f, 9), -1, 1)).containsExactly(-1, 0.5f, 1);
    }

    @Test
    void silu() {
        values(Ops.silu(row(0, 1, -1))).containsExactly(0, 0.7310586f, -0.26894143f);
    }

    /// Autograd may keep another view of the same memory for the backward pass.
    @Test
    void inputsAreOverwrittenOnlyWhileNothingIsRecorded() {
        Tensor x = row(1, 0, 3, 5);
        values(Ops.swiGluInPlace(x)).containsExactly(3 * 0.7310586f, 0);
        values(x).containsExactly(1, 0, 3, 5);
        try (GradMode _ = GradMode.disabled()) {
            values(Ops.swiGluInPlace(x)).containsExactly(3 * 0.7310586f, 0);
            values(x).containsExactly(0.7310586f, 0, 3, 5);
            values(Ops.addInPlace(x, row(1, 1, 1, 1))).containsExactly(1.7310586f, 1, 4, 6);
            values(Ops.mulInPlace(x, row(2, 2, 2, 2))).containsExactly(2 * 1.7310586f, 2, 8, 12);
            values(x).containsExactly(2 * 1.7310586f, 2, 8, 12);
        }
    }

    @Test
    void linear() {
        Tensor weight = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
        values(Ops.linear(row(10, 1), weight, null)).containsExactly(12, 34, 56);
        Tensor bias = Tensors.of(new float[] {1, 0, -1}, 3);
        values(Ops.linear(row(10, 1), weight, bias)).containsExactly(13, 34, 55);
    }

    @Test
    void normalisations() {
        // mean 2, variance 1
        values(Ops.layerNorm(row(1, 3), 0)).containsExactly(-1, 1);
        values(Ops.layerNorm(row(1, 3), 3)).containsExactly(-0.5f, 0.5f);
        // root of the mean square: 5
        Tensor weight = Tensors.of(new float[] {1, 10}, 2);
        values(Ops.rmsNorm(row(1, 7), weight, 0)).containsExactly(0.2f, 14);
        values(Ops.rmsNorm(row(1, 7), weight, 75)).containsExactly(0.1f, 7);
        Tensor x = Tensors.of(new float[] {1, 3, 10, 30}, 1, 2, 2);
        Tensor two = Tensors.of(new float[] {1, 2}, 2);
        Tensor one = Tensors.of(new float[] {0, 1}, 2);
        values(Ops.groupNorm(x, 2, two, one, 0)).containsExactly(-1, 1, -1, 3);
        // one group: mean 11, variance (100 + 64 + 1 + 361) / 4
        float deviation = (float) Math.sqrt(131.5);
        values(Ops.groupNorm(x, 1, two, one, 0))
                .containsExactly(-10 / deviation, -8 / deviation, 1 - 2 / deviation, 1 + 38 / deviation);
    }

    @Test
    void conv2d() {
        Tensor x = Tensors.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 1, 3, 3);
        Tensor sum = Tensors.full(1, DType.FLOAT32, Device.CPU, 1, 1, 2, 2);
        values(Ops.conv2d(x, sum, null, 1, 0)).containsExactly(12, 16, 24, 28);
        values(Ops.conv2d(x, sum, Tensors.of(new float[] {0.5f}, 1), 2, 1)).containsExactly(1.5f, 5.5f, 11.5f, 28.5f);
    }

    @Test
    void pictures() {
        Tensor x = Tensors.of(new float[] {1, 2, 3, 4}, 1, 1, 2, 2);
        Tensor padded = Ops.padRightBottom(x, 1, 2);
        assertThat(Tensors.shape(padded)).containsExactly(1, 1, 4, 3);
        values(padded).containsExactly(1, 2, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0);
        values(Ops.upsampleNearest2x(x)).containsExactly(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4);
    }

    @Test
    void embedding() {
        Tensor table = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
        Tensor found = Ops.embedding(table, Tensors.of(new long[] {2, 0}, 1, 2));
        assertThat(Tensors.shape(found)).containsExactly(1, 2, 2);
        values(found).containsExactly(5, 6, 1, 2);
    }

    @Test
    void meanSquaredErrorIsComputedInFloat32() {
        Tensor loss = Ops.meanSquaredError(DType.BFLOAT16.cast(row(1, 2)), row(2, 4));
        assertThat(DType.of(loss)).isEqualTo(DType.FLOAT32);
        assertThat(Tensors.toDouble(loss)).isEqualTo(2.5);
    }

    @Test
    void gradientsFlow() {
        Tensor x = row(1, 2, 3, 4);
        x.requires_grad_(true);
        Ops.clamp(Ops.mul(Ops.chunk(x, 2, 1).get(1), 3), 0, 10).sum().backward();
        values(x.grad()).containsExactly(0, 0, 3, 0);
    }
}
