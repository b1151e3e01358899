package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Convolutions of any number of channels against float64, in memory that was left full of NaN.
class ChannelBlocksTest {

    private static final long SIDE = 32;

    private Scope scope;
    private TorchGenerator generator;

    @BeforeEach
    void open() {
        scope = new Scope();
        generator = new TorchGenerator(3);
    }

    @AfterEach
    void close() {
        generator.close();
        scope.close();
    }

    @ParameterizedTest
    @CsvSource({"16, 3", "24, 16", "64, 3", "64, 8", "3, 1", "3, 16", "24, 24", "16, 32"})
    void resultAndGradients(int in, int out) {
        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
            for (int stride = 1; stride <= 2; stride++) {
                Tensor x = random(dtype, 2, in, SIDE, SIDE);
                Tensor weight = random(dtype, out, in, 3, 3);
                Tensor bias = random(dtype, out);
                Tensor gradient = random(dtype, 2, out, SIDE / stride, SIDE / stride);
                List<Tensor> exact = computed(wide(x), wide(weight), wide(bias), stride, wide(gradient));
                leaveNan();
                List<Tensor> found = computed(x, weight, bias, stride, gradient);
                for (int i = 0; i < exact.size(); i++) {
                    assertThat(error(found.get(i), exact.get(i)))
                            .as("%s, stride %s, result %s", dtype, stride, i)
                            .isLessThan(dtype == DType.FLOAT32 ? 1e-5 : 1e-2);
                }
            }
        }
    }

    /// The result, the gradients of input, weight and bias, and that of the input from weight and gradient alone.
    private static List<Tensor> computed(Tensor x, Tensor weight, Tensor bias, int stride, Tensor gradient) {
        List<Tensor> leaves = new ArrayList<>();
        for (Tensor leaf : List.of(x, weight, bias)) {
            leaves.add(leaf.detach().clone().requires_grad_(true));
        }
        Tensor result = Ops.conv2d(leaves.get(0), leaves.get(1), leaves.get(2), stride, 1);
        result.mul(gradient).sum().backward();
        List<Tensor> all = new ArrayList<>(List.of(result.detach()));
        leaves.forEach(leaf -> all.add(leaf.grad()));
        all.add(Ops.conv2dInputGradient(gradient, weight, SIDE, SIDE, stride, 1));
        return all;
    }

    private Tensor random(DType dtype, long... shape) {
        return dtype.cast(generator.randn(DType.FLOAT32, shape));
    }

    private static Tensor wide(Tensor tensor) {
        return DType.FLOAT64.cast(tensor);
    }

    /// Largest difference, as a share of the largest value; NaN where there is one.
    private static double error(Tensor found, Tensor exact) {
        return Tensors.toDouble(
                wide(found).sub(exact).abs().max().div(exact.abs().max()));
    }

    /// The blocks that the allocator gives next are full of NaN.
    private static void leaveNan() {
        try (Scope _ = new Scope()) {
            for (int i = 7; i < 20; i++) {
                Tensors.full(Double.NaN, DType.FLOAT32, Device.CPU, 1L << i);
            }
        }
    }
}
