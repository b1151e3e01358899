package io.stencil.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.NameList;
import io.stencil.json.JsonReason;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads inputs of a Template by their JSON Schema, before a job is accepted: a fault is refused with the path of its
/// field, and images are decoded.
final class InputReader {

    private static final String IMAGE = "x-stencil-type";

    private final Uploads uploads;
    private final boolean isForm;

    /// @param isForm whether numbers and booleans are texts
    InputReader(Uploads uploads, boolean isForm) {
        this.uploads = uploads;
        this.isForm = isForm;
    }

    /// @param schema of an object
    /// @param field path of the object in the request
    /// @return numbers, booleans, strings, images, lists and maps
    Map<String, Object> object(JsonNode schema, ObjectNode object, String field) {
        JsonNode properties = schema.path("properties");
        Map<String, Object> values = new LinkedHashMap<>();
        object.properties().forEach(entry -> {
            String path = field + "." + entry.getKey();
            if (!properties.has(entry.getKey())) {
                List<String> names = new ArrayList<>();
                properties.fieldNames().forEachRemaining(names::add);
                throw ApiException.invalid(
                        path,
                        "Unknown parameter: '%s'. The Template has %s.".formatted(path, NameList.of(names)),
                        "unknown_parameter");
            }
            if (!entry.getValue().isNull()) {
                values.put(entry.getKey(), value(properties.path(entry.getKey()), entry.getValue(), path));
            }
        });
        for (JsonNode name : schema.path("required")) {
            if (!values.containsKey(name.textValue())) {
                String path = field + "." + name.textValue();
                throw ApiException.invalid(
                        path,
                        "Missing required parameter: '%s', %s."
                                .formatted(path, expected(properties.path(name.textValue()))),
                        "missing_required_parameter");
            }
        }
        return values;
    }

    private Object value(JsonNode schema, JsonNode given, String field) {
        String type = schema.path("type").asText();
        JsonNode value = isForm && !type.equals("string") ? Fields.parsed(given) : given;
        return switch (type) {
            case "object" -> {
                require(value.isObject(), schema, value, field);
                yield object(schema, (ObjectNode) value, field);
            }
            case "array" -> {
                require(value.isArray(), schema, value, field);
                List<Object> elements = new ArrayList<>();
                for (JsonNode element : value) {
                    elements.add(value(schema.path("items"), element, "%s[%s]".formatted(field, elements.size())));
                }
                yield elements;
            }
            case "integer" -> {
                require(value.isIntegralNumber() && value.canConvertToLong(), schema, value, field);
                yield inRange(schema, value, field).longValue();
            }
            case "number" -> {
                require(value.isNumber() && Double.isFinite(value.doubleValue()), schema, value, field);
                yield inRange(schema, value, field).doubleValue();
            }
            case "boolean" -> {
                require(value.isBoolean(), schema, value, field);
                yield value.booleanValue();
            }
            default -> {
                require(value.isTextual(), schema, value, field);
                yield schema.has(IMAGE) ? uploads.image(field, value.textValue()) : word(schema, value, field);
            }
        };
    }

    private static String word(JsonNode schema, JsonNode value, String field) {
        boolean isAllowed = !schema.has("enum");
        for (JsonNode word : schema.path("enum")) {
            isAllowed |= word.equals(value);
        }
        require(isAllowed, schema, value, field);
        return value.textValue();
    }

    private static JsonNode inRange(JsonNode schema, JsonNode value, String field) {
        boolean isAbove = !schema.has("minimum")
                || value.doubleValue() >= schema.path("minimum").doubleValue();
        boolean isBelow = !schema.has("maximum")
                || value.doubleValue() <= schema.path("maximum").doubleValue();
        require(isAbove && isBelow, schema, value, field);
        return value;
    }

    private static void require(boolean fits, JsonNode schema, JsonNode value, String field) {
        if (!fits) {
            throw ApiException.invalidValue(
                    field,
                    "Invalid '%s': expected %s, found %s.".formatted(field, expected(schema), JsonReason.shown(value)));
        }
    }

    private static String expected(JsonNode schema) {
        if (schema.has(IMAGE)) {
            return "an image in base64";
        }
        if (schema.has("enum")) {
            return "one of " + schema.path("enum");
        }
        String type = schema.path("type").asText();
        String article = "aio".indexOf(type.isEmpty() ? ' ' : type.charAt(0)) < 0 ? "a " : "an ";
        String range = (schema.has("minimum") ? " of at least " + schema.path("minimum") : "")
                + (schema.has("maximum") ? " of at most " + schema.path("maximum") : "");
        return article + type + range;
    }
}
