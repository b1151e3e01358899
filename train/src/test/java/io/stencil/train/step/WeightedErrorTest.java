package io.stencil.train.step;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Loss and gradient follow from their formulas, in float64.
class WeightedErrorTest {

    private static final int TOKENS = 6;
    private static final int CHANNELS = 4;

    private final Random random = new Random(3);

    private float[] numbers(int count) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) random.nextGaussian();
        }
        return numbers;
    }

    /// A mask with zeros, ones and values between them.
    private float[] mask() {
        float[] mask = {0, 1, 0.25f, 0, 0.75f, 1};
        for (int i = 0; i < 3; i++) {
            int other = random.nextInt(TOKENS);
            float swapped = mask[i];
            mask[i] = mask[other];
            mask[other] = swapped;
        }
        return mask;
    }

    /// One sample alone, several of one factor, and of unlike ones; with masks for all, for some and for none.
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 0", "3, 3", "3, 2", "3, 0"})
    void lossAndGradientAreThoseOfTheFormula(int batch, int masked) {
        for (boolean alike : new boolean[] {true, false}) {
            float[] velocity = numbers(batch * TOKENS * CHANNELS);
            float[] target = numbers(velocity.length);
            double[] factors = new double[batch];
            float[] @Nullable [] masks = new float[batch][];
            for (int i = 0; i < batch; i++) {
                factors[i] = alike ? 0.7 : 0.3 + i;
                masks[i] = i < masked ? mask() : null;
            }
            assertFormula(velocity, target, factors, masks);
        }
    }

    private static void assertFormula(float[] velocity, float[] target, double[] factors, float[] @Nullable [] masks) {
        int batch = factors.length;
        double loss = 0;
        double[] gradient = new double[velocity.length];
        for (int i = 0; i < batch; i++) {
            double whole = 0;
            for (int token = 0; token < TOKENS; token++) {
                whole += value(masks[i], token);
            }
            for (int token = 0; token < TOKENS; token++) {
                for (int channel = 0; channel < CHANNELS; channel++) {
                    int at = (i * TOKENS + token) * CHANNELS + channel;
                    double error = (double) velocity[at] - target[at];
                    double share = factors[i] * value(masks[i], token) / whole / CHANNELS / batch;
                    loss += share * error * error;
                    gradient[at] = 2 * share * error;
                }
            }
        }
        try (Scope _ = new Scope()) {
            Tensor predicted = Tensors.of(velocity, batch, TOKENS, CHANNELS);
            predicted.requires_grad_(true);
            Tensor found = WeightedError.mean(
                    predicted,
                    Tensors.of(target, batch, TOKENS, CHANNELS),
                    factors,
                    Arrays.stream(masks)
                            .<@Nullable Tensor>map(mask -> mask == null ? null : Tensors.of(mask, 1, TOKENS, 1))
                            .toList());
            found.backward();
            assertThat(Tensors.toDouble(found)).isCloseTo(loss, Offset.offset(1e-6 * loss));
            float[] gradients = Tensors.toFloats(predicted.grad());
            for (int at = 0; at < gradient.length; at++) {
                assertThat((double) gradients[at]).isCloseTo(gradient[at], Offset.offset(1e-6));
            }
        }
    }

    private static double value(float @Nullable [] mask, int token) {
        return mask == null ? 1 : mask[token];
    }

    /// Where no token counts, its error does not reach the loss, and its gradient is zero.
    @Test
    void tokensUnderTheMaskHaveNoPart() {
        try (Scope _ = new Scope()) {
            Tensor predicted = Tensors.of(new float[] {1, 1e20f}, 1, 2, 1);
            predicted.requires_grad_(true);
            Tensor found = WeightedError.mean(
                    predicted,
                    Tensors.of(new float[] {3, 0}, 1, 2, 1),
                    new double[] {1},
                    List.of(Tensors.of(new float[] {0.5f, 0}, 1, 2, 1)));
            found.backward();
            assertThat(Tensors.toDouble(found)).isCloseTo(4, Offset.offset(1e-5));
            float[] gradient = Tensors.toFloats(predicted.grad());
            assertThat(gradient[0]).isCloseTo(-4, Offset.offset(1e-5f));
            assertThat(gradient[1]).isZero();
        }
    }
}
