package io.stencil.template;

import io.stencil.nn.Module;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.models.ModelSet;

/// The network of a Template: it maps inputs to a [TemplateCache] in two stages.
///
/// Submodules are registered under the names that they have in the checkpoint, so that weights trained elsewhere load.
public abstract class TemplateModel<I extends Record, P extends Record> extends Module {

    /// Called once when there are no trained weights, or a part of them begins at random, after the parameters have got
    /// their random start and the other parts are loaded: the place to copy what should begin as the base model's own.
    ///
    /// @param base stays the caller's
    public void initializeFrom(ModelSet base) {}

    /// The stage without gradients: encoding of texts and images, with the pipeline's own models where they serve.
    ///
    /// In training its result may be cached and read back, so it must follow from the inputs alone.
    ///
    /// @return tensors, images, numbers, strings, and records and lists of them
    public abstract P processInputs(I inputs, Flux2Pipeline pipeline);

    /// The stage with gradients: all that is trained.
    public abstract TemplateCache forward(P processed, ForwardContext context);
}
