package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TensorsTest {

    @Test
    void floatsRoundTrip() {
        try (Scope _ = new Scope()) {
            float[] values = {1.5f, -2, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 1e30f};
            Tensor tensor = Tensors.of(values, 2, 3);
            assertThat(DType.of(tensor)).isEqualTo(DType.FLOAT32);
            assertThat(Tensors.shape(tensor)).containsExactly(2, 3);
            assertThat(Tensors.toFloats(tensor)).containsExactly(values);
        }
    }

    @Test
    void longsRoundTrip() {
        try (Scope _ = new Scope()) {
            long[] values = {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE};
            assertThat(Tensors.toLongs(Tensors.of(values, 4))).containsExactly(values);
        }
    }

    @Test
    void bytesRoundTrip() {
        try (Scope _ = new Scope()) {
            byte[] values = new byte[256];
            for (int i = 0; i < values.length; i++) {
                values[i] = (byte) i;
            }
            Tensor tensor = Tensors.ofBytes(values, 16, 16);
            assertThat(DType.of(tensor)).isEqualTo(DType.UINT8);
            assertThat(Tensors.toBytes(tensor)).containsExactly(values);
            assertThat(Tensors.toLongs(tensor)[255]).isEqualTo(255);
        }
    }

    @Test
    void scalarsAndEmptyTensors() {
        try (Scope _ = new Scope()) {
            Tensor scalar = Tensors.of(new float[] {7});
            assertThat(Tensors.shape(scalar)).isEmpty();
            assertThat(Tensors.toDouble(scalar)).isEqualTo(7);
            assertThat(Tensors.toFloats(Tensors.of(new float[0], 0, 4))).isEmpty();
            assertThat(Tensors.toLongs(Tensors.of(new long[0], 0))).isEmpty();
            assertThat(Tensors.toBytes(Tensors.ofBytes(new byte[0], 3, 0))).isEmpty();
            assertThat(Tensors.shape(Tensors.of(new float[0], 0, 4))).containsExactly(0, 4);
        }
    }

    @Test
    void readsViewsRowByRow() {
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
            assertThat(Tensors.toFloats(tensor.transpose(0, 1))).containsExactly(1, 4, 2, 5, 3, 6);
            assertThat(Tensors.toFloats(tensor.narrow(1, 1, 2))).containsExactly(2, 3, 5, 6);
        }
    }

    @Test
    void readsOtherDtypesAndWhatRequiresGradients() {
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.of(new float[] {0, 1, -2.5f}, 3);
            assertThat(Tensors.toFloats(DType.FLOAT8_E4M3FN.cast(tensor))).containsExactly(0, 1, -2.5f);
            assertThat(Tensors.toFloats(DType.FLOAT64.cast(tensor))).containsExactly(0, 1, -2.5f);
            assertThat(Tensors.toFloats(DType.BOOL.cast(tensor))).containsExactly(0, 1, 1);
            assertThat(Tensors.toLongs(tensor)).containsExactly(0, 1, -2);
            tensor.requires_grad_(true);
            assertThat(Tensors.toFloats(Ops.mul(tensor, 2))).containsExactly(0, 2, -5);
        }
    }

    @Test
    void filled() {
        try (Scope _ = new Scope()) {
            assertThat(Tensors.toFloats(Tensors.zeros(DType.BFLOAT16, Device.CPU, 2)))
                    .containsExactly(0, 0);
            assertThat(Tensors.toFloats(Tensors.full(0.5, DType.FLOAT16, Device.CPU, 1, 2)))
                    .containsExactly(0.5f, 0.5f);
        }
    }

    @Test
    void aShapeThatDoesNotHoldTheValuesIsRefused() {
        try (Scope _ = new Scope()) {
            assertThatThrownBy(() -> Tensors.of(new float[5], 2, 3))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'shape': shape [2, 3] holds 6 elements, got 5");
            assertThatThrownBy(() -> Tensors.of(new long[2])).hasMessage("'shape': shape [] holds 1 elements, got 2");
            assertThatThrownBy(() -> Tensors.ofBytes(new byte[1], 0))
                    .hasMessage("'shape': shape [0] holds 0 elements, got 1");
        }
    }
}
