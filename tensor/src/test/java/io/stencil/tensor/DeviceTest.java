package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {

    @Test
    void readsCpu() {
        assertThat(Device.parse("cpu")).isEqualTo(Device.CPU).hasToString("cpu");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", " cpu", "cuda:0:1", "meta"})
    void anotherTextIsRefused(String text) {
        assertThatThrownBy(() -> Device.parse(text))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'device': expected cpu, cuda or cuda:N, found '" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:255", "cuda:99999999999999999999"})
    void aGpuThatIsNotThereIsRefused(String text) {
        assertThatThrownBy(() -> Device.parse(text))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'device': '%s' is not available: this libtorch sees ".formatted(text));
    }

    @Test
    void metaTensorsHaveShapesAndNoMemory() {
        try (Scope _ = new Scope()) {
            Tensor huge = Tensors.empty(DType.FLOAT32, Device.META, 1L << 40);
            assertThat(Device.of(huge)).isEqualTo(Device.META).hasToString("meta");
            assertThat(huge.numel()).isEqualTo(1L << 40);
            assertThat(Device.of(Tensors.empty(DType.FLOAT32, Device.CPU, 1))).isEqualTo(Device.CPU);
        }
    }

    @Test
    void placingWhereItIsCopiesNothing() {
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.of(new float[] {1}, 1);
            assertThat(Device.CPU.place(tensor).is_alias_of(tensor)).isTrue();
            Tensor half = Device.CPU.place(tensor, DType.FLOAT16);
            assertThat(DType.of(half)).isEqualTo(DType.FLOAT16);
            assertThat(Device.of(Device.META.place(tensor))).isEqualTo(Device.META);
        }
    }
}
