package io.stencil.template.load;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// A Template input after the gradient-free stage, ready for the forward pass of its model.
///
/// @param processed what the model's `processInputs` made
public record PreparedInput<P extends Record>(LoadedTemplate<?, P> template, P processed) {

    /// The same input with every tensor replaced by what `copy` makes of it.
    public PreparedInput<P> map(UnaryOperator<Tensor> copy) {
        return new PreparedInput<>(template, template.map(processed, copy));
    }

    /// Takes the input apart for a file; [LoadedTemplate#restore] puts it together.
    ///
    /// @param tensors gets its tensors and pictures, by name
    /// @return all else, with the names of the tensors in their places
    public JsonNode store(Map<String, Tensor> tensors) {
        return RecordArchive.write(processed, tensors);
    }

    /// Runs the stage with gradients.
    ///
    /// @return the cache, owned by the caller's scope
    /// @throws io.stencil.error.TemplateException when the model fails, or gives what does not fit the base model
    public TemplateCache forward(ForwardContext context) {
        return template.forward(processed, context);
    }
}
