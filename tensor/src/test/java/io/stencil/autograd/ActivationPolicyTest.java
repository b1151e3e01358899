package io.stencil.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/// Which of three segments in a row are kept, and which run again.
class ActivationPolicyTest {

    private static final long BYTES = 1_000;

    /// How often each segment ran, and the gradient of the first one's input.
    private record Result(List<Integer> runs, Tensor gradient) {}

    private static Segment counted(int index, int[] runs, boolean known) {
        Segment silu = in -> {
            runs[index]++;
            return List.of(Ops.silu(in.getFirst()));
        };
        return known ? Segment.sized(silu, _ -> BYTES) : silu;
    }

    /// The second segment's memory is not known.
    private static Result run(ActivationPolicy policy) {
        int[] runs = new int[3];
        List<Segment> segments = List.of(counted(0, runs, true), counted(1, runs, false), counted(2, runs, true));
        try (TorchGenerator generator = new TorchGenerator(1);
                GradientTape tape = new GradientTape()) {
            Tensor x = generator.randn(DType.FLOAT32, 3, 4);
            x.requires_grad_(true);
            Checkpointing checkpointing = policy.on(tape);
            List<Tensor> hidden = List.of(x);
            for (Segment segment : segments) {
                hidden = checkpointing.run(segment, hidden);
            }
            tape.backward(hidden.getFirst().sum());
            List<Integer> counts = new ArrayList<>();
            for (int count : runs) {
                counts.add(count);
            }
            return new Result(counts, x.grad());
        }
    }

    @Test
    void whatFitsIsKeptAndTheRestRunsAgain() {
        try (Scope _ = new Scope()) {
            Result all = run(new ActivationPolicy.Keep());
            Result none = run(new ActivationPolicy.Recompute(false));
            Result away = run(new ActivationPolicy.Recompute(true));
            Result one = run(new ActivationPolicy.Within(2 * BYTES - 1, false));
            Result two = run(new ActivationPolicy.Within(2 * BYTES, true));

            assertThat(all.runs()).containsExactly(1, 1, 1);
            assertThat(none.runs()).containsExactly(2, 2, 2);
            assertThat(away.runs()).containsExactly(2, 2, 2);
            assertThat(one.runs()).containsExactly(1, 2, 2);
            assertThat(two.runs()).containsExactly(1, 2, 1);
            for (Result other : List.of(none, away, one, two)) {
                TensorAssert.assertClose("gradient", other.gradient(), all.gradient(), 1e-6);
            }
        }
    }

    /// What is not recorded takes nothing of the bound.
    @Test
    void aPassWithoutGradientsTakesNothing() {
        int[] runs = new int[2];
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(1);
                GradientTape tape = new GradientTape()) {
            Checkpointing checkpointing = new ActivationPolicy.Within(BYTES, false).on(tape);
            Tensor x = generator.randn(DType.FLOAT32, 3, 4);
            checkpointing.run(counted(0, runs, true), List.of(x));
            x.requires_grad_(true);
            tape.backward(checkpointing
                    .run(counted(1, runs, true), List.of(x))
                    .getFirst()
                    .sum());
            assertThat(runs).containsExactly(1, 1);
        }
    }

    @Test
    void aBoundIsAboveZero() {
        assertThatThrownBy(() -> new ActivationPolicy.Within(0, false))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'activation_memory': must be above 0, found 0");
    }
}
