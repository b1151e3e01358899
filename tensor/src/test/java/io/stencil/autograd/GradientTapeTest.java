package io.stencil.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.ProcessRandom;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class GradientTapeTest {

    private static final class Stack extends Module {
        private final List<Linear> layers = new ArrayList<>();

        Stack(int depth, int width) {
            for (int i = 0; i < depth; i++) {
                layers.add(module("layer." + i, new Linear(width, width, true)));
            }
        }

        Tensor loss(Tensor x, Tensor side, Checkpointing checkpointing) {
            List<Tensor> streams = List.of(x, side);
            for (Linear layer : layers) {
                streams = checkpointing.run(
                        in -> {
                            Tensor hidden = Ops.silu(layer.forward(in.get(0)));
                            return List.of(hidden.add(in.get(1)), hidden.mul(in.get(1)));
                        },
                        streams);
            }
            return streams.get(0).add(streams.get(1)).sum();
        }
    }

    private record Gradients(List<float[]> parameters, List<float[]> side) {}

    private static Gradients gradients(boolean checkpointed, Set<String> trained) {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                Stack stack = new Stack(12, 8)) {
            stack.initialize(DType.FLOAT32, Device.CPU, generator);
            stack.trainOnly(trained);
            Tensor x = generator.randn(DType.FLOAT32, 3, 8);
            Tensor side = generator.randn(DType.FLOAT32, 3, 8);
            side.requires_grad_(!trained.contains("layer.0.weight"));
            if (checkpointed) {
                try (GradientTape tape = new GradientTape()) {
                    tape.backward(stack.loss(x, side, tape));
                }
            } else {
                stack.loss(x, side, Checkpointing.OFF).backward();
            }
            List<float[]> found = new ArrayList<>();
            for (Parameter parameter : stack.state().values()) {
                if (parameter.isTrainable()) {
                    found.add(Tensors.toFloats(Objects.requireNonNull(parameter.gradient())));
                }
            }
            return new Gradients(found, side.requires_grad() ? List.of(Tensors.toFloats(side.grad())) : List.of());
        }
    }

    private static void assertSame(Gradients plain, Gradients checkpointed) {
        assertThat(checkpointed.side()).usingRecursiveComparison().isEqualTo(plain.side());
        assertThat(plain.parameters()).isNotEmpty();
        for (int i = 0; i < plain.parameters().size(); i++) {
            assertThat(checkpointed.parameters().get(i))
                    .containsExactly(plain.parameters().get(i));
        }
    }

    @Test
    void aSegmentGivesTheSameGradientsToParametersAndInputs() {
        assertSame(gradients(false, Set.of("")), gradients(true, Set.of("")));
    }

    @Test
    void parametersAreReachedWhenNoInputRequiresGradients() {
        Set<String> trained = Set.of("layer.0.weight", "layer.1");
        assertSame(gradients(false, trained), gradients(true, trained));
    }

    @Test
    void aSegmentWithNothingToTrainRunsOnce() {
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            Tensor plain = Tensors.full(1, DType.FLOAT32, Device.CPU, 2);
            int[] runs = {0};
            Segment frozen = in -> {
                runs[0]++;
                return List.of(Ops.mul(in.getFirst(), 2));
            };
            Tensor hidden = tape.run(frozen, List.of(plain)).getFirst();
            assertThat(hidden.requires_grad()).isFalse();
            Tensor trained = Tensors.full(3, DType.FLOAT32, Device.CPU, 2);
            trained.requires_grad_(true);
            tape.backward(hidden.mul(trained).sum());
            assertThat(Tensors.toFloats(trained.grad())).containsExactly(2, 2);
            assertThat(runs[0]).isEqualTo(1);
        }
    }

    @Test
    void anExceptionOfARecomputedSegmentReachesTheCaller() {
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            Tensor x = Tensors.full(1, DType.FLOAT32, Device.CPU, 2);
            x.requires_grad_(true);
            int[] runs = {0};
            Tensor y = tape.run(
                            in -> {
                                if (runs[0]++ == 1) {
                                    throw new IllegalStateException("second run");
                                }
                                return List.of(Ops.mul(in.getFirst(), 2));
                            },
                            List.of(x))
                    .getFirst();
            assertThatThrownBy(() -> tape.backward(y.sum()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("second run");
        }
    }

    @Test
    void whatASegmentHoldsIsFreedWhenItsBackwardPassIsDone() {
        int depth = 6;
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            Tensor x = Tensors.full(1, DType.FLOAT32, Device.CPU, 2);
            x.requires_grad_(true);
            List<Integer> held = new ArrayList<>();
            Segment doubled = in -> {
                held.add(tape.heldTensors());
                return List.of(Ops.mul(in.getFirst(), 2));
            };
            List<Tensor> hidden = List.of(x);
            for (int i = 0; i < depth; i++) {
                hidden = tape.run(doubled, hidden);
            }
            assertThat(held).containsExactly(0, 1, 2, 3, 4, 5);
            held.clear();
            tape.backward(hidden.getFirst().sum());
            // Each finds its own input and those below it; the gradient of the one above is handed on.
            assertThat(held).containsExactly(6, 5, 4, 3, 2, 1);
            assertThat(tape.heldTensors()).isZero();
            assertThat(Tensors.toFloats(x.grad())).containsExactly(64, 64);
        }
    }

    /// Random numbers that a segment draws are drawn again when it runs again, and what else draws is not disturbed.
    @Test
    void aSegmentThatDrawsGetsTheSameNumbersAgain() {
        float[][] gradients = new float[2][];
        for (int i = 0; i < 2; i++) {
            boolean checkpointed = i == 1;
            try (Scope _ = new Scope();
                    GradMode _ = GradMode.enabled();
                    GradientTape tape = new GradientTape()) {
                Tensor x = Tensors.of(new float[] {1, 2, 3, 4, 5}, 5);
                x.requires_grad_(true);
                Segment dropping = in -> List.of(in.getFirst().mul(torch.rand_like(in.getFirst())));
                Checkpointing checkpointing = checkpointed ? tape : Checkpointing.OFF;
                Tensor loss = ProcessRandom.seeded(3, () -> {
                    List<Tensor> once = checkpointing.run(dropping, List.of(x));
                    return checkpointing.run(dropping, once).getFirst().sum();
                });
                float[] before = ProcessRandom.seeded(4, () -> Tensors.toFloats(torch.rand(3)));
                tape.backward(loss);
                assertThat(ProcessRandom.seeded(4, () -> Tensors.toFloats(torch.rand(3))))
                        .isEqualTo(before);
                gradients[i] = Tensors.toFloats(x.grad());
            }
        }
        assertThat(gradients[1]).isEqualTo(gradients[0]).doesNotContain(1f);
    }
}
