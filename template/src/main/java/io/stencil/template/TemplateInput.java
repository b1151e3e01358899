package io.stencil.template;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Arguments;
import java.nio.file.Path;

/// One Template input of a generation: which Template it is for, and its fields.
///
/// @param modelId index of the Template in its pipeline
/// @param fields the input as a JSON object, without `model_id`; an image is a path
/// @param folder against which relative paths are resolved
public record TemplateInput(int modelId, ObjectNode fields, Path folder) {
    public TemplateInput {
        Arguments.require("fields", fields);
        Arguments.require("folder", folder);
    }
}
