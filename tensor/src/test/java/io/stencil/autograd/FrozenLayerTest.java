package io.stencil.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.nn.Linear;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.tensor.WeightValues;
import io.stencil.testing.TensorAssert;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A linear layer over weights at rest in bfloat16: what autograd makes of a cast copy, without the copy.
class FrozenLayerTest {

    /// More rows than are cast at once: two full parts and a rest.
    private static final long OUT = 9_000;

    private static final long IN = 1_024;

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(6);
    private final Linear linear = new Linear(IN, OUT, true);
    private Tensor x;

    @BeforeEach
    void fill() {
        linear.initialize(DType.BFLOAT16, Device.CPU, generator);
        linear.trainOnly(Set.of());
        x = generator.randn(DType.FLOAT32, 2, 3, IN);
    }

    @AfterEach
    void free() {
        linear.close();
        generator.close();
        scope.close();
    }

    private Tensor weight() {
        return DType.FLOAT32.cast(linear.weight().get());
    }

    private Tensor expected(Tensor input) {
        Tensor bias = Objects.requireNonNull(linear.state().get("bias")).get();
        return Ops.linear(input, weight(), DType.FLOAT32.cast(bias));
    }

    @Test
    void forwardIsTheProductWithTheCastWeight() {
        TensorAssert.assertClose("y", linear.forward(x), expected(x), 1e-6);
        assertThat(linear.forward(x).requires_grad()).isFalse();
    }

    @Test
    void theInputsGradientIsAutograds() {
        Tensor mine = x.clone();
        mine.requires_grad_(true);
        Tensor theirs = x.clone();
        theirs.requires_grad_(true);
        Tensor seed = generator.randn(DType.FLOAT32, 2, 3, OUT);
        try (GradientTape tape = new GradientTape()) {
            // The product twice in a row, as a network has it, and an input that goes on beside it.
            Tensor hidden = Ops.silu(mine);
            Tensor y = linear.forward(hidden);
            TensorAssert.assertClose("y", y, expected(Ops.silu(theirs)), 1e-6);
            tape.backward(y.mul(seed).sum().add(hidden.sum()));
        }
        Tensor hidden = Ops.silu(theirs);
        expected(hidden).mul(seed).sum().add(hidden.sum()).backward();
        TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-5);
    }

    @Test
    void theSameInsideARecomputedSegment() {
        Tensor mine = x.clone();
        mine.requires_grad_(true);
        Tensor theirs = x.clone();
        theirs.requires_grad_(true);
        try (GradientTape tape = new GradientTape()) {
            Tensor y = tape.run(in -> List.of(Ops.silu(linear.forward(in.getFirst()))), List.of(mine))
                    .getFirst();
            tape.backward(y.sum());
        }
        Ops.silu(expected(theirs)).sum().backward();
        TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-5);
    }

    @Test
    void withoutATapeAutogradDoesTheWork() {
        Tensor mine = x.clone();
        mine.requires_grad_(true);
        linear.forward(mine).sum().backward();
        Tensor ones = Tensors.full(1, DType.FLOAT32, Device.CPU, 2, 3, OUT);
        TensorAssert.assertClose("gradient", mine.grad(), ones.matmul(weight()), 1e-5);
    }

    /// A weight in float8 with a scale for each row is multiplied as its float32 copy would be.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aScaledWeightInFloat8GivesWhatItsCopyGives(boolean taped) {
        WeightValues narrow = WeightValues.Float8.of(weight().mul(rowFactors()));
        Tensor wide = narrow.in(DType.FLOAT32);
        Tensor mine = x.clone();
        mine.requires_grad_(true);
        Tensor theirs = x.clone();
        theirs.requires_grad_(true);
        Tensor seed = generator.randn(DType.FLOAT32, 2, 3, OUT);
        Tensor expected = Ops.linear(theirs, wide, null);
        if (taped) {
            try (GradientTape tape = new GradientTape()) {
                Tensor y = FrozenLayer.product(mine, kept(narrow));
                TensorAssert.assertClose("y", y, expected, 1e-5);
                tape.backward(y.mul(seed).sum());
            }
        } else {
            FrozenLayer.product(mine, kept(narrow)).mul(seed).sum().backward();
        }
        expected.mul(seed).sum().backward();
        TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-5);
    }

    /// Where the products are in bfloat16 the scale still is applied in float32: one rounding of the result.
    @Test
    void aScaledWeightInFloat8IsMultipliedInBfloat16() {
        WeightValues narrow = WeightValues.Float8.of(weight().mul(rowFactors()));
        Tensor half = DType.BFLOAT16.cast(x);
        Tensor y = FrozenLayer.product(half, kept(narrow));
        assertThat(DType.of(y)).isEqualTo(DType.BFLOAT16);
        Tensor expected = Ops.linear(DType.FLOAT32.cast(half), narrow.in(DType.FLOAT32), null);
        Tensor error = DType.FLOAT32.cast(y).sub(expected).norm();
        assertThat(Tensors.toDouble(error) / Tensors.toDouble(expected.norm())).isLessThan(5e-3);
    }

    /// A weight that stays in memory.
    private static FrozenWeight kept(WeightValues weight) {
        return new FrozenWeight() {
            @Override
            public WeightValues values() {
                return weight;
            }

            @Override
            public void evict() {}

            @Override
            public boolean isOffloaded() {
                return false;
            }
        };
    }

    /// Rows of very unlike sizes: one scale for all of them would not do.
    private Tensor rowFactors() {
        return generator.randn(DType.FLOAT32, OUT, 1).exp();
    }
}
