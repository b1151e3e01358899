package io.stencil.flux2.transformer;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.autograd.Checkpointing;
import io.stencil.autograd.GradMode;
import io.stencil.autograd.GradientTape;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.AllocatedMemory;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The bound of [ActivationPolicy] on the bytes that wait for the backward pass.
@Tag("memory")
class ActivationBoundTest {

    /// A small transformer that is trained in bfloat16 with weights in float32: what is kept beyond that of a pass that
    /// computes every block twice is within the bound, whatever the bound is, and near it.
    @Test
    void thePolicysBoundHoldsForATrainedTransformer() {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                GradMode _ = GradMode.enabled();
                TorchGenerator generator = new TorchGenerator(5);
                Flux2Transformer transformer = BlockActivations.transformer(2, 6, DType.FLOAT32, generator)) {
            transformer.trainOnly(Set.of(""));
            TransformerInput input = BlockActivations.input(DType.BFLOAT16, generator);
            kept(transformer, input, 1);
            long least = kept(transformer, input, 1);
            long all = kept(transformer, input, Long.MAX_VALUE) - least;
            long block = all / 10; // of one stream; those of two keep twice that
            for (int part = 1; part <= 3; part++) {
                long bound = all * part / 4;
                assertThat(kept(transformer, input, bound) - least)
                        .as("%s of 4", part)
                        .isBetween(bound - 3 * block / 2, bound + bound / 20);
            }
        }
    }

    /// Bytes that wait for the backward pass, which runs then.
    private static long kept(Flux2Transformer transformer, TransformerInput input, long bound) {
        long before = AllocatedMemory.bytes();
        try (Scope _ = new Scope();
                GradientTape tape = new GradientTape()) {
            Tensor loss;
            long kept;
            try (Scope scope = new Scope()) {
                Checkpointing policy = new ActivationPolicy.Within(bound, false).on(tape);
                loss = scope.keep(transformer.forward(input, policy).square().sum());
                kept = AllocatedMemory.bytes() - before;
            }
            tape.backward(loss);
            transformer.state().values().forEach(Parameter::clearGradient);
            return kept;
        }
    }
}
