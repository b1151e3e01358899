package io.stencil.testing;

import io.stencil.tensor.Tensors;
import java.util.Arrays;
import java.util.Locale;
import org.bytedeco.pytorch.Tensor;

/// Compares tensors: shape first, then values, with the worst element named.
public final class TensorAssert {

    private TensorAssert() {}

    /// Largest difference at most `tolerance` times the largest expected magnitude, and no NaN.
    ///
    /// @return the error reached, relative to the largest expected magnitude
    public static double assertClose(String name, Tensor actual, Tensor expected, double tolerance) {
        if (!Arrays.equals(Tensors.shape(actual), Tensors.shape(expected))) {
            throw new AssertionError("%s: shape %s, expected %s"
                    .formatted(name, Arrays.toString(Tensors.shape(actual)), Arrays.toString(Tensors.shape(expected))));
        }
        float[] found = Tensors.toFloats(actual);
        float[] wanted = Tensors.toFloats(expected);
        double largest = 0;
        double worst = 0;
        int worstIndex = 0;
        int notANumber = 0;
        for (int i = 0; i < wanted.length; i++) {
            largest = Math.max(largest, Math.abs((double) wanted[i]));
            double difference = Math.abs((double) found[i] - wanted[i]);
            if (Double.isNaN(difference)) {
                notANumber++;
            } else if (difference > worst) {
                worst = difference;
                worstIndex = i;
            }
        }
        double relative = worst / Math.max(largest, Double.MIN_NORMAL);
        if (notANumber > 0 || !(relative <= tolerance)) {
            throw new AssertionError(String.format(
                    Locale.ROOT,
                    "%s: relative error %.3g exceeds %.3g; worst at %s: %s, expected %s; largest expected %.4g, %s NaN",
                    name,
                    relative,
                    tolerance,
                    worstIndex,
                    found[worstIndex],
                    wanted[worstIndex],
                    largest,
                    notANumber));
        }
        return relative;
    }

    /// Every element equal, bit for bit.
    public static void assertSame(String name, Tensor actual, Tensor expected) {
        if (!actual.equal(expected)) {
            assertClose(name, actual, expected, 0);
            throw new AssertionError(name + ": dtype or content differs");
        }
    }
}
