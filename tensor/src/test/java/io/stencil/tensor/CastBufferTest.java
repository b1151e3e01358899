package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class CastBufferTest {

    private static Tensor product() {
        Tensor weight = Tensors.zeros(DType.BFLOAT16, Device.CPU, 8, 4);
        return new WeightValues.Plain(weight).multiplyTransposed(Tensors.zeros(DType.FLOAT32, Device.CPU, 3, 4));
    }

    @Test
    void theOutermostScopeFreesWhatItsProductsShared() {
        try (Scope _ = new Scope()) {
            product();
            try (Scope _ = new Scope()) {
                product();
            }
            assertThat(Scope.CastBuffer.isHeld()).isTrue();
        }
        assertThat(Scope.CastBuffer.isHeld()).isFalse();
    }

    @Test
    void aProductOutsideOfScopesLeavesNothing() {
        Tensor made = product();
        assertThat(Scope.CastBuffer.isHeld()).isFalse();
        made.close();
    }

    @Test
    void aProductWorksAgainInTheNextScope() {
        for (int run = 0; run < 2; run++) {
            try (Scope _ = new Scope()) {
                assertThat(Tensors.toFloats(product())).hasSize(24).containsOnly(0f);
            }
        }
    }
}
