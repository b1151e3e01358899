package io.stencil.template;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Arguments;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Map;

/// One Template input of a generation: which Template it is for, and its fields.
///
/// ```java
/// TemplateInput input = TemplateInput.of(0, Map.of("image", photo, "scale", 0.8)); // photo is an RgbImage
/// ```
///
/// @param modelId index of the Template in its pipeline
/// @param fields the input as a JSON object, without `model_id`; an image is a path, or an [ImageNode]
/// @param folder against which relative paths are resolved
/// @param readsFiles whether an image may be a path; else each is an [ImageNode], and no file is read
public record TemplateInput(int modelId, ObjectNode fields, Path folder, boolean readsFiles) {
    public TemplateInput {
        Arguments.require("fields", fields);
        Arguments.require("folder", folder);
    }

    /// An input whose images may be paths.
    public TemplateInput(int modelId, ObjectNode fields, Path folder) {
        this(modelId, fields, folder, true);
    }

    /// An input of Java values: numbers, booleans, strings, enum constants, images
    /// ([RgbImage][io.stencil.image.RgbImage]), and maps, records, lists and optionals of these. No file is read.
    ///
    /// @param values by the names of the fields in JSON, such as `lora_ids`
    /// @throws io.stencil.error.InvalidRequestException naming a value of another type
    public static TemplateInput of(int modelId, Map<String, ?> values) {
        return new TemplateInput(
                modelId, ImageNode.object("", Arguments.require("values", values)), Path.of(""), false);
    }

    /// An input from a record with the components of the Template's, such as one of the same class.
    ///
    /// @throws io.stencil.error.InvalidRequestException naming a component of a type that no input has
    public static TemplateInput of(int modelId, Record input) {
        return new TemplateInput(modelId, ImageNode.object("", Arguments.require("input", input)), Path.of(""), false);
    }

    /// The name of a record's component in JSON: `lora_ids` for `loraIds`; a name that begins with a capital stays
    /// (`R`).
    public static String jsonName(RecordComponent component) {
        String name = component.getName();
        return Character.isUpperCase(name.charAt(0))
                ? name
                : PropertyNamingStrategies.SnakeCaseStrategy.INSTANCE.translate(name);
    }
}
