package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class TorchGeneratorTest {

    @Test
    void oneSeedGivesOneSequence() {
        try (Scope _ = new Scope();
                TorchGenerator first = new TorchGenerator(42);
                TorchGenerator second = new TorchGenerator(42);
                TorchGenerator other = new TorchGenerator(43)) {
            float[] numbers = Tensors.toFloats(first.randn(DType.FLOAT32, 4, 8));
            assertThat(Tensors.toFloats(second.randn(DType.FLOAT32, 4, 8))).containsExactly(numbers);
            assertThat(Tensors.toFloats(other.randn(DType.FLOAT32, 4, 8))).isNotEqualTo(numbers);
            assertThat(Tensors.toFloats(first.randn(DType.FLOAT32, 4, 8))).isNotEqualTo(numbers);
        }
    }

    @Test
    void goesOnFromASavedState() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                TorchGenerator other = new TorchGenerator(2)) {
            generator.randn(DType.FLOAT32, 3);
            byte[] state = Tensors.toBytes(generator.state());
            long[] integers = Tensors.toLongs(generator.randint(1000, 50));
            float[] normal = Tensors.toFloats(generator.randn(DType.BFLOAT16, 5));

            other.restore(Tensors.ofBytes(state, state.length));
            assertThat(Tensors.toLongs(other.randint(1000, 50))).containsExactly(integers);
            assertThat(Tensors.toFloats(other.randn(DType.BFLOAT16, 5))).containsExactly(normal);
        }
    }

    @Test
    void integersLieBelowTheirBound() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(5)) {
            Tensor drawn = generator.randint(3, 1000);
            assertThat(DType.of(drawn)).isEqualTo(DType.INT64);
            assertThat(Tensors.toLongs(drawn)).containsOnly(0, 1, 2);
        }
    }

    @Test
    void fillsInPlace() {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(6)) {
            Tensor tensor = Tensors.zeros(DType.FLOAT32, Device.CPU, 10_000);
            generator.fillUniform(tensor, 2, 3);
            for (float value : Tensors.toFloats(tensor)) {
                assertThat(value).isBetween(2f, 3f);
            }
            generator.fillNormal(tensor, 5, 0.1);
            assertThat(Tensors.toDouble(tensor.mean())).isBetween(4.99, 5.01);
            assertThat(Tensors.toDouble(tensor.std())).isBetween(0.095, 0.105);
        }
    }

    @Test
    void aStateOutlivesTheScopeItWasTakenIn() {
        try (TorchGenerator generator = new TorchGenerator(7)) {
            OwnedTensor state;
            float[] numbers;
            try (Scope _ = new Scope()) {
                state = new OwnedTensor(generator.state());
                numbers = Tensors.toFloats(generator.randn(DType.FLOAT32, 4));
            }
            try (Scope _ = new Scope();
                    state) {
                generator.restore(state.get());
                assertThat(Tensors.toFloats(generator.randn(DType.FLOAT32, 4))).containsExactly(numbers);
            }
        }
    }
}
