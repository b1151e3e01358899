package io.stencil.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class GradModeTest {

    private static boolean records() {
        try (Scope _ = new Scope()) {
            Tensor leaf = Tensors.full(1, DType.FLOAT32, Device.CPU, 1);
            leaf.requires_grad_(true);
            return Ops.mul(leaf, 2).requires_grad();
        }
    }

    @Test
    void modesNest() {
        assertThat(records()).isTrue();
        try (GradMode _ = GradMode.disabled()) {
            assertThat(records()).isFalse();
            try (GradMode _ = GradMode.enabled()) {
                assertThat(records()).isTrue();
                try (GradMode _ = GradMode.disabled()) {
                    assertThat(records()).isFalse();
                }
                assertThat(records()).isTrue();
            }
            assertThat(records()).isFalse();
        }
        assertThat(records()).isTrue();
    }

    @Test
    void aScopeAroundItDoesNotEndItEarlyOrTwice() {
        try (Scope _ = new Scope()) {
            try (GradMode _ = GradMode.disabled()) {
                try (Scope _ = new Scope()) {
                    assertThat(records()).isFalse();
                }
                assertThat(records()).isFalse();
            }
            try (GradMode _ = GradMode.enabled()) {
                assertThat(records()).isTrue();
            }
            assertThat(records()).isTrue();
        }
        assertThat(records()).isTrue();
    }

    @Test
    void anExceptionRestoresTheMode() {
        try (GradMode _ = GradMode.disabled()) {
            throw new IllegalStateException("inside");
        } catch (IllegalStateException e) {
            assertThat(e).hasMessage("inside");
        }
        assertThat(records()).isTrue();
    }

    @Test
    void otherThreadsKeepTheirs() throws InterruptedException {
        boolean[] recorded = {false};
        try (GradMode _ = GradMode.disabled()) {
            Thread thread = new Thread(() -> recorded[0] = records());
            thread.start();
            thread.join();
        }
        assertThat(recorded[0]).isTrue();
    }
}
