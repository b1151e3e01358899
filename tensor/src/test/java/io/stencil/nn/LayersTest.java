package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LayersTest {

    private final Scope scope = new Scope();

    @AfterEach
    void free() {
        scope.close();
    }

    private static void set(Module module, String name, DType dtype, float... values) {
        Parameter parameter = Objects.requireNonNull(module.state().get(name), name);
        parameter.set(dtype.cast(Tensors.of(values, parameter.shape())));
    }

    private static Tensor row(float... values) {
        return Tensors.of(values, 1, values.length);
    }

    @Test
    void linearComputesInTheDtypeOfItsInput() {
        try (Linear linear = new Linear(2, 1, true)) {
            set(linear, "weight", DType.BFLOAT16, 1, 2);
            set(linear, "bias", DType.BFLOAT16, 0.5f);
            Tensor y = linear.forward(row(1.001f, 2));
            assertThat(DType.of(y)).isEqualTo(DType.FLOAT32);
            assertThat(Tensors.toFloats(y)[0]).isEqualTo(5.501f);
            assertThat(DType.of(linear.forward(DType.BFLOAT16.cast(row(1, 2))))).isEqualTo(DType.BFLOAT16);
        }
    }

    @Test
    void rmsNorm() {
        try (RmsNorm norm = new RmsNorm(2, 0)) {
            set(norm, "weight", DType.FLOAT32, 1, 10);
            assertThat(Tensors.toFloats(norm.forward(row(1, 7))))
                    .usingComparatorWithPrecision(1e-5f)
                    .containsExactly(0.2f, 14);
        }
    }

    @Test
    void groupNorm() {
        try (GroupNorm norm = new GroupNorm(1, 2, 0)) {
            set(norm, "weight", DType.FLOAT32, 1, 2);
            set(norm, "bias", DType.FLOAT32, 0, 5);
            assertThat(Tensors.toFloats(norm.forward(row(1, 3))))
                    .usingComparatorWithPrecision(1e-5f)
                    .containsExactly(-1, 7);
        }
    }

    @Test
    void embedding() {
        try (Embedding table = new Embedding(3, 2)) {
            set(table, "weight", DType.FLOAT32, 1, 2, 3, 4, 5, 6);
            Tensor found = table.forward(Tensors.of(new long[] {1, 1}, 1, 2), DType.BFLOAT16);
            assertThat(DType.of(found)).isEqualTo(DType.BFLOAT16);
            assertThat(Tensors.shape(found)).containsExactly(1, 2, 2);
            assertThat(Tensors.toFloats(found)).containsExactly(3, 4, 3, 4);
        }
    }

    @Test
    void conv2d() {
        try (Conv2d same = new Conv2d(1, 1, 3);
                Conv2d half = new Conv2d(1, 2, 3, 2, 0)) {
            assertThat(same.shapes().get("weight")).containsExactly(1, 1, 3, 3);
            set(same, "weight", DType.FLOAT32, 0, 0, 0, 0, 1, 1, 0, 0, 0);
            set(same, "bias", DType.FLOAT32, 10);
            Tensor x = Tensors.of(new float[] {1, 2, 3, 4}, 1, 1, 2, 2);
            assertThat(Tensors.toFloats(same.forward(x))).containsExactly(13, 12, 17, 14);
            half.state().values().forEach(one -> one.set(Tensors.zeros(DType.FLOAT32, Device.CPU, one.shape())));
            Tensor wide = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 1, 7, 9);
            assertThat(Tensors.shape(half.forward(wide))).containsExactly(1, 2, 3, 4);
        }
    }
}
