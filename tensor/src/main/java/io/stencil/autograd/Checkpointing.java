package io.stencil.autograd;

import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// How a forward pass runs its segments: remembering every activation, or only the segments' inputs.
public interface Checkpointing {

    /// Remembers everything.
    Checkpointing OFF = (segment, inputs) -> segment.run(inputs);

    /// Runs the segment.
    ///
    /// @return what the segment gives, with the same gradients either way
    List<Tensor> run(Segment segment, List<Tensor> inputs);
}
