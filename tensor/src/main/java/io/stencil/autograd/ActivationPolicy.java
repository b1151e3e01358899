package io.stencil.autograd;

import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.error.InvalidRequestException;
import java.util.List;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;

/// What becomes of a forward pass's activations until the backward pass needs them.
public sealed interface ActivationPolicy {

    /// How segments run whose backward pass is `tape`'s.
    Checkpointing on(GradientTape tape);

    /// All of them are kept.
    record Keep() implements ActivationPolicy {
        @Override
        public Checkpointing on(GradientTape tape) {
            return Checkpointing.OFF;
        }
    }

    /// Each segment keeps its inputs alone and runs again.
    ///
    /// @param offload whether those inputs wait on the CPU, out of the device's memory
    record Recompute(boolean offload) implements ActivationPolicy {
        @Override
        public Checkpointing on(GradientTape tape) {
            return offload ? tape.offloading() : tape;
        }
    }

    /// Segments keep theirs as long as all that is kept is within a bound; the others run again, and with them those
    /// whose [memory is not known][Segment#activationBytes]. The backward pass takes that of one more segment.
    ///
    /// @param bytes the bound
    /// @param offload whether the inputs of those that run again wait on the CPU
    record Within(long bytes, boolean offload) implements ActivationPolicy {

        /// @throws InvalidRequestException when the bound is not above 0
        public Within {
            if (bytes < 1) {
                throw new InvalidRequestException("activation_memory", "must be above 0, found " + bytes);
            }
        }

        @Override
        public Checkpointing on(GradientTape tape) {
            Checkpointing again = new Recompute(offload).on(tape);
            return new Checkpointing() {
                private long left = bytes;

                @Override
                public List<Tensor> run(Segment segment, List<Tensor> inputs) {
                    OptionalLong needed = segment.activationBytes(inputs);
                    if (needed.isEmpty() || needed.getAsLong() > left) {
                        return again.run(segment, inputs);
                    }
                    List<Tensor> outputs = segment.run(inputs);
                    if (outputs.stream().anyMatch(Tensor::requires_grad)) {
                        left -= needed.getAsLong();
                    }
                    return outputs;
                }
            };
        }
    }
}
