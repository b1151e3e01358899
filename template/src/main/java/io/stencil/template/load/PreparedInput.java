package io.stencil.template.load;

import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;

/// A Template input after the gradient-free stage, ready for the forward pass of its model.
///
/// @param processed what the model's `processInputs` made
public record PreparedInput<P extends Record>(LoadedTemplate<?, P> template, P processed) {

    /// Runs the stage with gradients.
    ///
    /// @return the cache, owned by the caller's scope
    /// @throws io.stencil.error.TemplateException when the model fails, or gives what does not fit the base model
    public TemplateCache forward(ForwardContext context) {
        return template.forward(processed, context);
    }
}
