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
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class AdamWTest {

    private static final class Two extends Module {
        private final Parameter used = parameter("used", Initializer.normal(1), 3);
        private final Parameter unused = parameter("unused", Initializer.normal(1), 3);

        Two() {
            try (TorchGenerator generator = new TorchGenerator(1)) {
                initialize(DType.FLOAT32, Device.CPU, generator);
            }
            trainOnly(Set.of("used", "unused"));
        }

        /// Gradient of `used` becomes `gradient`.
        void backward(float[] gradient) {
            try (Scope _ = new Scope()) {
                used.get().mul(Tensors.of(gradient, gradient.length)).sum().backward();
            }
        }
    }

    /// The paper's algorithm 2 on single numbers, in double precision.
    private static double[] byHand(double[] weights, float[][] gradients, double rate, double decay) {
        double[] expected = weights.clone();
        for (int i = 0; i < expected.length; i++) {
            double mean = 0;
            double square = 0;
            for (int t = 1; t <= gradients.length; t++) {
                double g = gradients[t - 1][i];
                mean = 0.9 * mean + 0.1 * g;
                square = 0.999 * square + 0.001 * g * g;
                double corrected = mean / (1 - Math.pow(0.9, t));
                double root = Math.sqrt(square / (1 - Math.pow(0.999, t)));
                expected[i] -= rate * decay * expected[i] + rate * corrected / (root + 1e-8);
            }
        }
        return expected;
    }

    @Test
    void equalsTheAlgorithmByHand() {
        float[][] gradients = {{1, -2, 1e-4f}, {0.5f, 3, 0}, {-4, 0.25f, -1e-4f}, {0, 1, 2}};
        try (Two model = new Two();
                AdamW optimizer = new AdamW(model.state().values(), AdamW.Settings.withDecay(0.1))) {
            double[] start = doubles(model.used);
            for (float[] gradient : gradients) {
                model.backward(gradient);
                optimizer.update(0.05);
            }
            double[] expected = byHand(start, gradients, 0.05, 0.1);
            double[] found = doubles(model.used);
            for (int i = 0; i < expected.length; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(2e-6));
            }
        }
    }

    @Test
    void aParameterWithoutGradientStaysAsItIs() {
        try (Two model = new Two();
                AdamW optimizer = new AdamW(model.state().values(), AdamW.Settings.withDecay(0.1))) {
            double[] start = doubles(model.unused);
            model.backward(new float[] {1, 1, 1});
            optimizer.update(0.05);
            assertThat(doubles(model.unused)).isEqualTo(start);
        }
    }

    @Test
    void gradientsAreFreedByTheUpdate() {
        try (Scope _ = new Scope();
                Two model = new Two();
                AdamW optimizer = new AdamW(model.state().values(), AdamW.Settings.withDecay(0))) {
            model.backward(new float[] {1, 1, 1});
            assertThat(model.used.gradient()).isNotNull();
            optimizer.update(0.05);
            assertThat(model.used.gradient()).isNull();
            double[] after = doubles(model.used);
            optimizer.update(0.05);
            assertThat(doubles(model.used)).isEqualTo(after);
        }
    }

    private static final class Matrix extends Module {
        private final Parameter weight = parameter("weight", Initializer.normal(1), 2, 3);

        Matrix() {
            try (TorchGenerator generator = new TorchGenerator(1)) {
                initialize(DType.FLOAT32, Device.CPU, generator);
            }
            trainOnly(Set.of("weight"));
        }
    }

    /// A gradient may lie in memory in another order than its weight.
    @Test
    void theLayoutOfAGradientDoesNotMatter() {
        try (Scope _ = new Scope();
                Matrix plain = new Matrix();
                Matrix transposed = new Matrix();
                AdamW one = new AdamW(plain.state().values(), AdamW.Settings.withDecay(0));
                AdamW other = new AdamW(transposed.state().values(), AdamW.Settings.withDecay(0))) {
            Tensor gradient =
                    Tensors.of(new float[] {1, -2, 3, -4, 5, -6}, 3, 2).transpose(0, 1);
            plain.weight.setGradient(gradient.contiguous());
            transposed.weight.setGradient(gradient);
            one.update(0.05);
            other.update(0.05);
            assertThat(doubles(transposed.weight)).isEqualTo(doubles(plain.weight));
        }
    }

    /// Those with and without earlier updates move in one call each.
    @Test
    void eachParameterCountsItsOwnUpdates() {
        try (Two model = new Two();
                AdamW optimizer = new AdamW(model.state().values(), AdamW.Settings.withDecay(0.1))) {
            model.backward(new float[] {1, 2, 3});
            optimizer.update(0.05);
            double[] start = doubles(model.unused);
            model.backward(new float[] {3, 2, 1});
            try (Scope _ = new Scope()) {
                model.unused
                        .get()
                        .mul(Tensors.of(new float[] {1, -1, 2}, 3))
                        .sum()
                        .backward();
            }
            optimizer.update(0.05);
            double[] expected = byHand(start, new float[][] {{1, -1, 2}}, 0.05, 0.1);
            double[] found = doubles(model.unused);
            for (int i = 0; i < expected.length; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(2e-6));
            }
            assertThat(optimizer.states().stream().map(Optimizer.State::updates))
                    .containsExactly(2L, 1L);
        }
    }

    private static double[] doubles(Parameter parameter) {
        float[] floats = Tensors.toFloats(parameter.get());
        double[] doubles = new double[floats.length];
        for (int i = 0; i < floats.length; i++) {
            doubles[i] = floats[i];
        }
        return doubles;
    }
}
