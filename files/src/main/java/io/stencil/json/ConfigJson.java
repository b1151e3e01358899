package io.stencil.json;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A model's `config.json`: typed fields, each checked when it is read.
///
/// Fields that no reader names are ignored; a field that must have one value to be supported is checked by
/// [#require].
public final class ConfigJson {

    private final Location place;
    private final JsonNode root;

    private ConfigJson(Location place, JsonNode root) {
        this.place = place;
        this.root = root;
    }

    /// Opens `file`.
    ///
    /// @throws InvalidFileException when it is absent, or is not a JSON object
    public static ConfigJson read(Path file) {
        return of(Location.of(file), JsonFile.read(file));
    }

    /// Wraps a document that lies elsewhere, such as in the metadata of weights.
    ///
    /// @param place of the document, for messages
    /// @throws InvalidFileException when it is not a JSON object
    public static ConfigJson of(Location place, JsonNode root) {
        if (!root.isObject()) {
            throw new InvalidFileException(place, "expected a JSON object, found " + kind(root));
        }
        return new ConfigJson(place, root);
    }

    public boolean has(String field) {
        return root.hasNonNull(field);
    }

    public int integer(String field) {
        return value(field, JsonNode::canConvertToExactIntegral, "a whole number", JsonNode::intValue, null);
    }

    public int integer(String field, int otherwise) {
        return value(field, JsonNode::canConvertToExactIntegral, "a whole number", JsonNode::intValue, otherwise);
    }

    public double number(String field, double otherwise) {
        return value(field, JsonNode::isNumber, "a number", JsonNode::doubleValue, otherwise);
    }

    public boolean flag(String field, boolean otherwise) {
        return value(field, JsonNode::isBoolean, "true or false", JsonNode::booleanValue, otherwise);
    }

    public String text(String field, String otherwise) {
        return value(field, JsonNode::isTextual, "a string", JsonNode::textValue, otherwise);
    }

    /// The first string of a list, or the empty string.
    public String firstText(String field) {
        return root.path(field).path(0).asText();
    }

    public List<Integer> integers(String field, List<Integer> otherwise) {
        return value(field, ConfigJson::areIntegers, "a list of whole numbers", ConfigJson::toIntegers, otherwise);
    }

    /// The number at a path of nested objects (`rope_parameters.rope_theta`), or null when it is absent.
    public @Nullable Double numberAt(String... path) {
        JsonNode node = at(path);
        return node.isNumber() ? node.doubleValue() : null;
    }

    /// The string at a path of nested objects (`rope_parameters.rope_type`), or null when it is absent.
    public @Nullable String textAt(String... path) {
        JsonNode node = at(path);
        return node.isTextual() ? node.textValue() : null;
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case ARRAY -> "an array";
            case BOOLEAN -> "true or false";
            case NULL -> "null";
            case NUMBER -> "a number";
            case STRING -> "a string";
            default -> "no JSON";
        };
    }

    private JsonNode at(String... path) {
        JsonNode node = root;
        for (String step : path) {
            node = node.path(step);
        }
        return node;
    }

    /// Demands that a field, where it is present, has the one value that is supported.
    ///
    /// @throws InvalidFileException naming field, value found and value supported
    public void require(String field, Object supported) {
        JsonNode node = root.get(field);
        if (node == null || node.isNull()) {
            return;
        }
        JsonNode wanted = Json.MAPPER.valueToTree(supported);
        boolean same =
                wanted.isNumber() ? node.isNumber() && node.doubleValue() == wanted.doubleValue() : node.equals(wanted);
        if (!same) {
            throw fault(field, "is %s, and only %s is supported".formatted(node, supported));
        }
    }

    /// An error about one field.
    public InvalidFileException fault(String field, String what) {
        return new InvalidFileException(place.field(field), what);
    }

    /// An error about fields that do not fit together.
    public InvalidFileException fault(String what, RuntimeException cause) {
        return new InvalidFileException(place, what, cause);
    }

    private <T> T value(
            String field, Predicate<JsonNode> fits, String kind, Function<JsonNode, T> read, @Nullable T otherwise) {
        JsonNode node = root.get(field);
        if (node == null || node.isNull()) {
            if (otherwise == null) {
                throw fault(field, "is missing; expected " + kind);
            }
            return otherwise;
        }
        if (!fits.test(node)) {
            throw fault(field, "must be %s, found %s".formatted(kind, node));
        }
        return read.apply(node);
    }

    private static boolean areIntegers(JsonNode node) {
        if (!node.isArray()) {
            return false;
        }
        for (JsonNode element : node) {
            if (!element.canConvertToInt()) {
                return false;
            }
        }
        return true;
    }

    private static List<Integer> toIntegers(JsonNode node) {
        List<Integer> values = new ArrayList<>();
        node.forEach(element -> values.add(element.intValue()));
        return List.copyOf(values);
    }
}
