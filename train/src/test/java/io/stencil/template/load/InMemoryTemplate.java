package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.template.TemplateModel;

/// A Template whose model is a class of the tests, with one input: a number under `scale`.
public final class InMemoryTemplate {

    /// The input.
    public record Scale(double scale) {}

    private InMemoryTemplate() {}

    /// @param model with its weights
    public static LoadedTemplate<Scale, Scale> of(TemplateModel<Scale, Scale> model) {
        return new LoadedTemplate<>(model, (fields, _) -> bind(fields), (fields, _) -> bind(fields));
    }

    private static Scale bind(ObjectNode fields) {
        if (!fields.path("scale").isNumber()) {
            throw new InvalidRequestException("scale", "must be a number, found " + fields.path("scale"));
        }
        return new Scale(fields.path("scale").doubleValue());
    }
}
