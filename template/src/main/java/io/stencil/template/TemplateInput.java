package io.stencil.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.stencil.error.Arguments;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

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

    /// Name of the Template's index in JSON.
    static final String MODEL_ID = "model_id";

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

    /// Returns the input as one JSON object with its `model_id`, which [TemplateInputs] reads. Files that it names are
    /// named as they are found from the working directory; an image that is no file is the text `pixels:` and the
    /// SHA-256 of its pixels.
    public ObjectNode json() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put(MODEL_ID, modelId);
        ObjectNode hashed = (ObjectNode) mapped(fields, TemplateInput::hashed);
        json.setAll(readsFiles ? (ObjectNode) located(hashed, folder) : hashed);
        return json;
    }

    private static JsonNode hashed(JsonNode leaf) {
        return ImageNode.image(leaf)
                .<JsonNode>map(image -> TextNode.valueOf("pixels:" + image.sha256()))
                .orElse(leaf);
    }

    /// Lists the files that texts in the fields name, such as images; none where an image cannot be a path.
    public List<Path> files() {
        Set<Path> files = new LinkedHashSet<>();
        if (readsFiles) {
            mapped(fields, leaf -> {
                file(leaf, folder).ifPresent(files::add);
                return leaf;
            });
        }
        return List.copyOf(files);
    }

    /// Copies a JSON value, with the texts that name files of a folder replaced by paths from the working directory.
    public static JsonNode located(JsonNode value, Path folder) {
        return mapped(
                value,
                leaf -> file(leaf, folder)
                        .<JsonNode>map(file -> TextNode.valueOf(file.toString()))
                        .orElse(leaf));
    }

    /// Copies a JSON value with a function applied to what is neither array nor object.
    private static JsonNode mapped(JsonNode value, UnaryOperator<JsonNode> function) {
        if (value.isArray()) {
            ArrayNode array = JsonNodeFactory.instance.arrayNode();
            value.forEach(element -> array.add(mapped(element, function)));
            return array;
        }
        if (value.isObject()) {
            ObjectNode object = JsonNodeFactory.instance.objectNode();
            value.properties().forEach(field -> object.set(field.getKey(), mapped(field.getValue(), function)));
            return object;
        }
        return function.apply(value);
    }

    private static Optional<Path> file(JsonNode leaf, Path folder) {
        try {
            return leaf.isTextual()
                    ? Optional.of(folder.resolve(leaf.textValue())).filter(Files::isRegularFile)
                    : Optional.empty();
        } catch (InvalidPathException _) {
            return Optional.empty(); // a text that names no file
        }
    }
}
