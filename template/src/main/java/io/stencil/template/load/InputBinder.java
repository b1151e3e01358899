package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.template.TemplateInput;
import java.nio.file.Path;

/// Makes a Template model's input record of a JSON object.
public interface InputBinder<I extends Record> {

    /// @param folder against which paths of images are resolved
    /// @throws io.stencil.error.InvalidRequestException naming the field, what was expected and what came
    I bind(ObjectNode fields, Path folder);

    /// Binds one input of a generation; one that reads no files has images as values.
    ///
    /// @throws io.stencil.error.InvalidRequestException as [#bind(ObjectNode, Path)] does
    default I bind(TemplateInput input) {
        return bind(input.fields(), input.folder());
    }

    /// The JSON Schema of the objects that are bound, as [InputSchema] writes it. The caller may change it.
    ObjectNode schema();
}
