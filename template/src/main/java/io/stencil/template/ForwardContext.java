package io.stencil.template;

import io.stencil.autograd.Checkpointing;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;

/// Pipeline and gradient checkpointing for the forward pass of a Template model.
///
/// @param pipeline the base pipeline that is steered
/// @param checkpointing runs a segment and forgets its activations where gradient checkpointing is on
public record ForwardContext(Flux2Pipeline pipeline, Checkpointing checkpointing) {

    /// The dtype in which the pipeline works.
    public DType dtype() {
        return pipeline.models().compute();
    }

    /// The device on which the pipeline works.
    public Device device() {
        return pipeline.models().device();
    }
}
