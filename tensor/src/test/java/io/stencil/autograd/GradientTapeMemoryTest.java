package io.stencil.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("memory")
class GradientTapeMemoryTest {

    private static final int WARM_UP = 100;
    private static final int STEPS = 600;

    private static final class Stack extends Module {
        private final List<Linear> layers = new ArrayList<>();

        Stack(int depth, int width) {
            for (int i = 0; i < depth; i++) {
                layers.add(module("layer." + i, new Linear(width, width, true)));
            }
        }

        Tensor loss(Tensor x, Checkpointing checkpointing) {
            List<Tensor> hidden = List.of(x);
            for (Linear layer : layers) {
                hidden = checkpointing.run(in -> List.of(Ops.silu(layer.forward(in.getFirst()))), hidden);
            }
            return Ops.meanSquaredError(hidden.getFirst(), x);
        }
    }

    @Test
    void residentMemoryIsFlatOverHundredsOfSteps() {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(8);
                Stack stack = new Stack(6, 64)) {
            stack.initialize(DType.FLOAT32, Device.CPU, generator);
            stack.trainOnly(Set.of(""));
            long settled = 0;
            for (int step = 0; step < STEPS; step++) {
                try (Scope _ = new Scope();
                        GradientTape tape = new GradientTape()) {
                    Tensor loss = stack.loss(generator.randn(DType.FLOAT32, 64, 64), tape);
                    tape.backward(loss);
                    assertThat(Tensors.toDouble(loss)).isFinite();
                    stack.state().values().forEach(Parameter::clearGradient);
                }
                if (step == WARM_UP) {
                    settled = ResidentMemory.bytes();
                }
            }
            // One activation (16 kB) left behind at each step would be 8 MB; the JVM itself grows by some 3 MB.
            assertThat((double) ResidentMemory.bytes()).isLessThan(settled * 1.02);
        }
    }
}
