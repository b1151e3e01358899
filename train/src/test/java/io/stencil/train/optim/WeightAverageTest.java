package io.stencil.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.stencil.nn.Initializer;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Clipping of gradients and averages of weights, against numbers worked out by hand.
class WeightAverageTest {

    private static final class Three extends Module {
        private final Parameter a = parameter("a", Initializer.ZEROS, 2);
        private final Parameter b = parameter("b", Initializer.ZEROS, 1);
        private final Parameter unused = parameter("unused", Initializer.ZEROS, 1);

        Three() {
            try (TorchGenerator generator = new TorchGenerator(1)) {
                initialize(DType.FLOAT32, Device.CPU, generator);
            }
            trainOnly(Set.of(""));
        }

        void backward(float a0, float a1, float b0) {
            try (Scope _ = new Scope()) {
                a.get().mul(Tensors.of(new float[] {a0, a1}, 2)).sum().backward();
                b.get().mul(Tensors.of(new float[] {b0}, 1)).sum().backward();
            }
        }

        void set(float value) {
            try (Scope _ = new Scope()) {
                a.get().detach().copy_(Tensors.of(new float[] {value, 2 * value}, 2));
            }
        }
    }

    private static float[] gradient(Parameter parameter) {
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(parameter.get().grad());
        }
    }

    @Test
    void aLongGradientIsShortenedAsOneVector() {
        try (Three model = new Three()) {
            model.backward(2, -3, 6);
            GradientClipping.clip(model.state().values(), 0.5);
            assertThat(gradient(model.a)).containsExactly(new float[] {1 / 7f, -1.5f / 7}, within(1e-6f));
            assertThat(gradient(model.b)).containsExactly(new float[] {3 / 7f}, within(1e-6f));
            try (Scope _ = new Scope()) {
                assertThat(model.unused.gradient()).isNull();
            }
        }
    }

    @Test
    void aShortGradientStaysAsItIs() {
        try (Three model = new Three()) {
            model.backward(0.2f, -0.3f, 0.6f);
            GradientClipping.clip(model.state().values(), 1);
            assertThat(gradient(model.a)).containsExactly(0.2f, -0.3f);
            assertThat(gradient(model.b)).containsExactly(0.6f);
        }
        try (Three model = new Three();
                Scope _ = new Scope()) {
            GradientClipping.clip(model.state().values(), 1);
            assertThat(model.a.gradient()).isNull();
        }
    }

    @Test
    void theAverageFollowsTheWeightsAsTheFormulaSays() {
        try (Three model = new Three();
                WeightAverage average = new WeightAverage(model.state().values(), 0.3)) {
            double expected = 0;
            double[] kept = {2.0 / 11, 3.0 / 12, 0.3, 0.3}; // min(0.3, (1 + n) / (10 + n))
            for (int n = 1; n <= 4; n++) {
                model.set(n);
                average.update();
                expected = kept[n - 1] * expected + (1 - kept[n - 1]) * n;
            }
            float inPlace = (float) expected;
            average.apply(() -> assertThat(Tensors.toFloats(model.a.get()))
                    .containsExactly(new float[] {inPlace, 2 * inPlace}, within(1e-5f)));
            assertThat(Tensors.toFloats(model.a.get())).containsExactly(4, 8);
            average.apply(() -> assertThat(Tensors.toFloats(model.a.get())[0]).isCloseTo(inPlace, within(1e-5f)));
        }
    }
}
