package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;

/// Makes a Template model's input record of a JSON object.
public interface InputBinder<I extends Record> {

    /// @param folder against which paths of images are resolved
    /// @throws io.stencil.error.InvalidRequestException naming the field, what was expected and what came
    I bind(ObjectNode fields, Path folder);

    /// The JSON Schema of the objects that are bound, as [InputSchema] writes it. The caller may change it.
    ObjectNode schema();
}
