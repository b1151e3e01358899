package io.stencil.template.load;

import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;

/// A Template input after the gradient-free stage, ready for the forward pass of its model.
///
/// @param processed what the model's `processInputs` made
public record PreparedInput<P extends Record>(TemplateModel<?, P> model, P processed) {

    /// Runs the stage with gradients.
    public TemplateCache forward(ForwardContext context) {
        return model.forward(processed, context);
    }
}
