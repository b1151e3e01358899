package io.stencil.autograd;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;
import org.bytedeco.pytorch.Tensor;

/// How a forward pass runs its segments: remembering every activation, or only the segments' inputs.
public interface Checkpointing {

    /// Remembers everything.
    Checkpointing OFF = (segment, inputs) -> segment.run(inputs);

    /// Runs the segment.
    ///
    /// @return the outputs of the segment, with the same gradients either way
    List<Tensor> run(Segment segment, List<Tensor> inputs);

    /// A piece of a forward pass as a function of its differentiable inputs.
    ///
    /// It may use other tensors and parameters; those that require gradients and are not parameters must be passed as
    /// inputs. It may run twice and must compute the same both times.
    @FunctionalInterface
    public interface Segment {
        List<Tensor> run(List<Tensor> inputs);

        /// Memory that a recorded run takes until its backward pass, beside inputs and outputs, in bytes; nothing where
        /// that is not known.
        default OptionalLong activationBytes(List<Tensor> inputs) {
            return OptionalLong.empty();
        }

        /// Adds the size of the activations to a segment, by which [ActivationPolicy.Within] decides whether they fit.
        static Segment sized(Segment run, ToLongFunction<List<Tensor>> activationBytes) {
            return new Segment() {
                @Override
                public List<Tensor> run(List<Tensor> inputs) {
                    return run.run(inputs);
                }

                @Override
                public OptionalLong activationBytes(List<Tensor> inputs) {
                    return OptionalLong.of(activationBytes.applyAsLong(inputs));
                }
            };
        }
    }
}
