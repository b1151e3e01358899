package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.image.RgbImage;
import io.stencil.template.InputField;
import io.stencil.template.TemplateInput;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The JSON Schema (draft 2020-12) of a Template's inputs, made from the components of its input record.
///
/// | component | schema |
/// | --- | --- |
/// | `int`, `long` | `integer`, with the range of an [InputField] |
/// | `double`, `float` | `number`, with the range of an [InputField] |
/// | `boolean`, `String` | `boolean`, `string` |
/// | enum | `string` with `enum` |
/// | [RgbImage] | `string` with `contentEncoding` `base64`, and `x-stencil-type` `mask` where the component is called
/// `mask` or ends so, else `image` |
/// | `List` | `array` |
/// | record | `object`, without further fields |
///
/// A component that is an `Optional`, may be null, or has a default is not among the `required` ones.
public final class InputSchema {

    private static final String DIALECT = "https://json-schema.org/draft/2020-12/schema";

    private InputSchema() {}

    /// @param type a record of which [InputType#firstFault] finds no fault
    static ObjectNode of(Class<? extends Record> type) {
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("$schema", DIALECT);
        return schema.setAll(record(type));
    }

    private static ObjectNode record(Class<?> type) {
        ObjectNode schema = JsonNodeFactory.instance.objectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = schema.putArray("required");
        for (RecordComponent component : type.getRecordComponents()) {
            InputField field = component.getAnnotation(InputField.class);
            ObjectNode property = value(component.getGenericType(), component.getName(), field);
            if (field != null && !field.description().isEmpty()) {
                property.put("description", field.description());
            }
            DeclaredField.defaultValue(component).ifPresent(value -> property.set("default", value));
            properties.set(TemplateInput.jsonName(component), property);
            if (!InputType.isOptional(component)) {
                required.add(TemplateInput.jsonName(component));
            }
        }
        return schema.put("additionalProperties", false);
    }

    private static ObjectNode value(Type type, String name, @Nullable InputField field) {
        if (InputType.isOptional(type)) {
            return value(InputType.content(type), name, field);
        }
        ObjectNode schema = JsonNodeFactory.instance.objectNode();
        if (InputType.isList(type)) {
            schema.put("type", "array").set("items", value(InputType.content(type), name, field));
            return schema;
        }
        Class<?> plain = (Class<?>) type;
        if (plain.isRecord()) {
            return record(plain);
        }
        if (InputType.isNumber(plain)) {
            schema.put("type", InputType.isWhole(plain) ? "integer" : "number");
            if (field != null) {
                bound(schema, "minimum", field.min());
                bound(schema, "maximum", field.max());
            }
            return schema;
        }
        schema.put("type", InputType.isFlag(plain) ? "boolean" : "string");
        if (plain.isEnum()) {
            ArrayNode names = schema.putArray("enum");
            for (Object constant : plain.getEnumConstants()) {
                names.add(((Enum<?>) constant).name());
            }
        }
        if (plain == RgbImage.class) {
            schema.put("contentEncoding", "base64");
            schema.put("x-stencil-type", name.toLowerCase(Locale.ROOT).endsWith("mask") ? "mask" : "image");
        }
        return schema;
    }

    private static void bound(ObjectNode schema, String keyword, double value) {
        if (Double.isFinite(value)) {
            if (value == (int) value) {
                schema.put(keyword, (int) value);
            } else {
                schema.put(keyword, value);
            }
        }
    }
}
