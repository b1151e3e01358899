package io.stencil.template.load;

import io.stencil.pipeline.Flux2Pipeline;

/// A row's inputs as the record that the Template's model takes: pictures are decoded, and no model has seen them yet.
public record BoundInput<I extends Record, P extends Record>(LoadedTemplate<I, P> template, I input) {

    /// Runs the gradient-free stage of the Template's model.
    public PreparedInput<P> process(Flux2Pipeline pipeline) {
        return template.prepare(input, pipeline);
    }
}
