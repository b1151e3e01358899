package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.GradientTape;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoraBindingTest {

    private static final class Net extends Module {
        private final Linear linear = module("to_out.0", new Linear(2, 3, false));

        Net() {
            module("norm", new RmsNorm(2, 0));
        }
    }

    private final Scope scope = new Scope();
    private final Net net = new Net();

    @BeforeEach
    void fill() {
        net.linear.weight().set(Tensors.of(new float[] {1, 0, 0, 1, 1, 1}, 3, 2));
    }

    @AfterEach
    void free() {
        net.close();
        scope.close();
    }

    /// `A x = x0 + 2 x1`, `B` spreads it as 1, 10, 100.
    private static LoraPair pair() {
        return new LoraPair(Tensors.of(new float[] {1, 2}, 1, 2), Tensors.of(new float[] {1, 10, 100}, 3, 1));
    }

    private float[] output() {
        return Tensors.toFloats(net.linear.forward(Tensors.of(new float[] {3, 4}, 1, 2)));
    }

    @Test
    void addsBTimesAxUntilClosed() {
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair())))) {
            assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        }
        assertThat(output()).containsExactly(3, 4, 7);
    }

    @Test
    void everySampleOfABatchGetsItsOwnUpdate() {
        LoraPair two = new LoraPair(
                Tensors.of(new float[] {1, 0, 0, 1}, 2, 2), Tensors.of(new float[] {1, 0, 0, 1, 1, 1}, 3, 2));
        LoraPair stacked = LoraPair.stack(List.of(pair(), two, two.neutral()));
        assertThat(Tensors.shape(stacked.a())).containsExactly(3, 2, 2);
        Tensor x = Tensors.of(new float[] {3, 4, 3, 4, 3, 4}, 3, 2);
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", stacked)))) {
            float[] expected = {3 + 11, 4 + 110, 7 + 1100, 3 + 3, 4 + 4, 7 + 7, 3, 4, 7};
            assertThat(Tensors.toFloats(net.linear.forward(x))).containsExactly(expected);
            assertThat(Tensors.toFloats(net.linear.forward(x.unsqueeze(1)))).containsExactly(expected);
        }
        assertThatThrownBy(() -> new Lora(Map.of("to_out.0", stacked)).fuse(net, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("'to_out.0' has an update for each sample");
    }

    @Test
    void bindingsAddUpAndEachTakesOffItsOwn() {
        LoraPair pair = pair();
        LoraBinding first = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair)));
        LoraBinding second = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair)));
        assertThat(output()).containsExactly(3 + 22, 4 + 220, 7 + 2200);
        first.close();
        assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        first.close();
        assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        second.close();
        assertThat(output()).containsExactly(3, 4, 7);
    }

    @Test
    void aPassOnAnotherThreadSeesItsOwnBindingsAlone() throws Exception {
        LoraPair ten = new LoraPair(Ops.mul(pair().a(), 10), pair().b());
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair())));
                ExecutorService other = Executors.newSingleThreadExecutor()) {
            assertThat(other.submit(this::output).get()).containsExactly(3, 4, 7);
            float[] bound = other.submit(() -> {
                        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", ten)))) {
                            return output();
                        }
                    })
                    .get();
            assertThat(bound).containsExactly(3 + 110, 4 + 1100, 7 + 11000);
            assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        }
    }

    @Test
    void aBindingIsClosedOnItsThread() throws Exception {
        LoraBinding binding = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair())));
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            assertThatThrownBy(() -> other.submit(binding::close).get())
                    .hasCauseInstanceOf(InvalidStateException.class)
                    .hasMessageContaining("a LoRA binding was opened on another thread; close it there");
        }
        assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        binding.close();
        assertThat(output()).containsExactly(3, 4, 7);
    }

    /// A backward pass that runs when the binding is closed, and one on another thread, recompute with the update.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRecomputedSegmentHasTheBindingsOfItsForwardPass(boolean elsewhere) throws Exception {
        LoraPair pair = pair();
        Tensor x = Tensors.of(new float[] {3, 4}, 1, 2);
        x.requires_grad_(true);
        try (GradientTape tape = new GradientTape();
                ExecutorService other = Executors.newSingleThreadExecutor()) {
            Tensor loss;
            try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair)))) {
                loss = tape.run(inputs -> List.of(net.linear.forward(inputs.getFirst())), List.of(x))
                        .getFirst()
                        .sum();
            }
            if (elsewhere) {
                other.submit(() -> tape.backward(loss)).get();
            } else {
                tape.backward(loss);
            }
        }
        // columns of W sum to 2 and 2, B A adds 111 times 1 and 2
        assertThat(Tensors.toFloats(x.grad())).containsExactly(2 + 111, 2 + 222);
        assertThat(output()).containsExactly(3, 4, 7);
    }

    @Test
    void joinedRanksHaveTheEffectOfBoth() {
        LoraPair other = new LoraPair(Tensors.of(new float[] {1, 0, 0, 1}, 2, 2), Tensors.of(new float[6], 3, 2));
        LoraPair joined = pair().join(other).join(pair());
        assertThat(Tensors.shape(joined.a())).containsExactly(4, 2);
        assertThat(Tensors.shape(joined.b())).containsExactly(3, 4);
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", joined)))) {
            assertThat(output()).containsExactly(3 + 22, 4 + 220, 7 + 2200);
        }
    }

    @Test
    void anUpdateOfAnotherDtypeFollowsTheInput() {
        LoraPair half = new LoraPair(DType.BFLOAT16.cast(pair().a()), DType.BFLOAT16.cast(pair().b()));
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", half)))) {
            assertThat(output()).containsExactly(3 + 11, 4 + 110, 7 + 1100);
        }
    }

    @Test
    void gradientsFlowIntoThePair() {
        LoraPair pair = pair();
        pair.a().requires_grad_(true);
        pair.b().requires_grad_(true);
        try (LoraBinding _ = LoraBinding.bind(net, new Lora(Map.of("to_out.0", pair)))) {
            net.linear.forward(Tensors.of(new float[] {3, 4}, 1, 2)).sum().backward();
        }
        assertThat(Tensors.toFloats(pair.a().grad())).containsExactly(333, 444);
        assertThat(Tensors.toFloats(pair.b().grad())).containsExactly(11, 11, 11);
    }

    @Test
    void namesThatAreNoLinearLayerAreRefusedAndNothingIsBound() {
        Map<String, LoraPair> pairs = Map.of("to_out.0", pair(), "norm", pair());
        assertThatThrownBy(() -> LoraBinding.bind(net, new Lora(pairs)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'lora': the model has no linear layer named norm");
        assertThat(output()).containsExactly(3, 4, 7);
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        Tensor a = pair().a();
        Tensor b = pair().b();
        for (LoraPair wrong : new LoraPair[] {
            new LoraPair(b, a),
            new LoraPair(a, b.transpose(0, 1)),
            new LoraPair(a, Tensors.of(new float[6], 3, 2)),
            new LoraPair(a.flatten(), b),
        }) {
            assertThatThrownBy(() -> LoraBinding.bind(net, new Lora(Map.of("to_out.0", wrong))))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage(
                            "'lora': 'to_out.0' is a layer of [3, 2];" + " lora_A must be [r, 2] and lora_B [3, r]");
        }
        assertThat(output()).containsExactly(3, 4, 7);
    }
}
