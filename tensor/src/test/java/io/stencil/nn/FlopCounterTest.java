package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.ProductSpeed;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FlopCounterTest {

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(0);

    @AfterEach
    void free() {
        generator.close();
        scope.close();
    }

    private static Tensor zeros(long... shape) {
        return Tensors.zeros(DType.FLOAT32, Device.CPU, shape);
    }

    private <M extends Module> M made(M module) {
        module.initialize(DType.FLOAT32, Device.CPU, generator);
        return module;
    }

    @Test
    void linearLayersConvolutionsAndAttentionAreCounted() {
        try (Linear linear = made(new Linear(3, 5, true));
                Conv2d halving = made(new Conv2d(2, 4, 3, 2, 1));
                FlopCounter count = new FlopCounter()) {
            linear.forward(zeros(2, 7, 3));
            assertThat(count.total()).isEqualTo(2 * 7 * 3 * 5);
            halving.forward(zeros(1, 2, 8, 8));
            assertThat(count.total()).isEqualTo(2 * 7 * 3 * 5 + 4 * 4 * 4 * 2 * 3 * 3);
        }
        try (FlopCounter count = new FlopCounter()) {
            Attention.attend(zeros(1, 6, 2, 8), zeros(1, 10, 2, 8), zeros(1, 10, 2, 8));
            assertThat(count.total()).isEqualTo(2 * (6 * 10 * 8) * 2);
        }
    }

    @Test
    void whoCountsAroundAnotherCountsItsToo() {
        try (Linear linear = made(new Linear(3, 5, false));
                FlopCounter outer = new FlopCounter()) {
            try (FlopCounter inner = new FlopCounter()) {
                linear.forward(zeros(1, 3));
                assertThat(inner.total()).isEqualTo(15);
            }
            linear.forward(zeros(1, 3));
            assertThat(outer.total()).isEqualTo(30);
        }
    }

    @Test
    void theMachinesSpeedIsANumberThatAMachineCanHave() {
        assertThat(ProductSpeed.operationsPerSecond(DType.FLOAT32, Device.CPU, 64, 128, 256))
                .isBetween(1e7, 1e16);
    }
}
