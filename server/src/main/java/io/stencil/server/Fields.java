package io.stencil.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.NameList;
import io.stencil.json.JsonReason;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Reads the fields of one object of a request, and refuses them in the words and with the codes of OpenAI's API. A
/// field that is null is absent.
///
/// In a form all values are texts, and a number or a boolean is parsed.
final class Fields {

    private static final String INVALID_TYPE = "invalid_type";

    /// A number or a boolean, as JSON has it.
    private static final Pattern SCALAR =
            Pattern.compile("true|false|-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?");

    private final ObjectNode object;
    private final String prefix;
    private final boolean isForm;
    private final Set<String> read = new HashSet<>();

    private Fields(ObjectNode object, String prefix, boolean isForm) {
        this.object = object;
        this.prefix = prefix;
        this.isForm = isForm;
    }

    static Fields ofJson(ObjectNode object) {
        return new Fields(object, "", false);
    }

    /// @param texts by the names of the form's fields
    static Fields ofForm(ObjectNode texts) {
        return new Fields(texts, "", true);
    }

    /// Returns the name of a field with its place: `stencil.templates[0].name`.
    String path(String name) {
        return prefix + name;
    }

    private Optional<JsonNode> value(String name) {
        read.add(name);
        JsonNode value = object.get(name);
        return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
    }

    /// Reads a text.
    ///
    /// @param longest largest number of characters
    Optional<String> text(String name, int longest) {
        return value(name).map(value -> {
            require(value.isTextual(), name, "a string", value);
            String text = value.textValue();
            int length = text.codePointCount(0, text.length());
            if (length > longest) {
                throw ApiException.invalid(
                        path(name),
                        "Invalid '%s': string too long. Expected a string with maximum length %s, but got a string with length %s instead."
                                .formatted(path(name), longest, length),
                        "string_above_max_length");
            }
            return text;
        });
    }

    /// Reads a text that must be there and not be empty.
    String requiredText(String name, int longest) {
        String text = text(name, longest)
                .orElseThrow(() -> ApiException.invalid(
                        path(name),
                        "Missing required parameter: '%s'.".formatted(path(name)),
                        "missing_required_parameter"));
        if (text.isEmpty()) {
            throw ApiException.invalid(
                    path(name),
                    "Invalid '%s': empty string. Expected a string with minimum length 1, but got an empty string instead."
                            .formatted(path(name)),
                    "empty_string");
        }
        return text;
    }

    /// Reads one of several words.
    Optional<String> oneOf(String name, String... words) {
        return text(name, Integer.MAX_VALUE).map(word -> {
            if (!List.of(words).contains(word)) {
                throw ApiException.invalidValue(
                        path(name),
                        "Invalid value: '%s'. Supported values are: %s."
                                .formatted(
                                        shortened(word),
                                        Stream.of(words).map("'%s'"::formatted).collect(Collectors.joining(", "))));
            }
            return word;
        });
    }

    /// Reads a whole number.
    OptionalLong whole(String name, long least, long most) {
        Optional<JsonNode> value = value(name);
        return value.isEmpty() ? OptionalLong.empty() : OptionalLong.of(whole(path(name), value.get(), least, most));
    }

    private long whole(String path, JsonNode value, long least, long most) {
        BigInteger number;
        if (value.isIntegralNumber()) {
            number = value.bigIntegerValue();
        } else if (isForm && value.isTextual() && value.textValue().matches("-?[0-9]{1,40}")) {
            number = new BigInteger(value.textValue());
        } else {
            throw wrongType(path, "an integer", value);
        }
        if (number.compareTo(BigInteger.valueOf(least)) < 0) {
            throw ApiException.invalid(
                    path,
                    "Invalid '%s': integer below minimum value. Expected a value >= %s, but got %s instead."
                            .formatted(path, least, shortened(number.toString())),
                    "integer_below_min_value");
        }
        if (number.compareTo(BigInteger.valueOf(most)) > 0) {
            throw ApiException.invalid(
                    path,
                    "Invalid '%s': integer above maximum value. Expected a value <= %s, but got %s instead."
                            .formatted(path, most, shortened(number.toString())),
                    "integer_above_max_value");
        }
        return number.longValueExact();
    }

    /// Reads a finite number.
    OptionalDouble number(String name, double least, double most) {
        Optional<JsonNode> value = value(name);
        if (value.isEmpty()) {
            return OptionalDouble.empty();
        }
        JsonNode found = isForm ? parsed(value.get()) : value.get();
        require(found.isNumber(), name, "a decimal", value.get());
        double number = found.doubleValue();
        if (!(number >= least && number <= most)) {
            boolean isBelow = number < least;
            throw ApiException.invalid(
                    path(name),
                    "Invalid '%s': decimal %s. Expected a value %s %s, but got %s instead."
                            .formatted(
                                    path(name),
                                    isBelow ? "below minimum value" : "above maximum value",
                                    isBelow ? ">=" : "<=",
                                    isBelow ? least : most,
                                    shortened(value.get().toString())),
                    isBelow ? "decimal_below_min_value" : "decimal_above_max_value");
        }
        return OptionalDouble.of(number);
    }

    /// Reads `true` or `false`.
    Optional<Boolean> flag(String name) {
        return value(name).map(value -> {
            if (isForm && value.isTextual()) {
                String word = value.textValue().toLowerCase(Locale.ROOT);
                require(word.equals("true") || word.equals("false"), name, "a boolean", value);
                return word.equals("true");
            }
            require(value.isBoolean(), name, "a boolean", value);
            return value.booleanValue();
        });
    }

    /// Whether numbers and booleans are texts.
    boolean isForm() {
        return isForm;
    }

    /// Parses the text of a number or a boolean; any other value stays as it is.
    static JsonNode parsed(JsonNode value) {
        return value.isTextual() && SCALAR.matcher(value.textValue()).matches()
                ? Bodies.parse("", value.textValue())
                : value;
    }

    /// Reads an object; in a form it is JSON text, or made of [fields with places][NestedFields].
    Optional<Fields> object(String name) {
        return value(name).map(value -> {
            JsonNode parsed = isForm && value.isTextual() ? Bodies.parse(path(name), value.textValue()) : value;
            require(parsed instanceof ObjectNode, name, "an object", parsed);
            return new Fields((ObjectNode) parsed, path(name) + ".", isForm && value.isObject());
        });
    }

    /// Reads an object whose fields this class does not know.
    Optional<ObjectNode> freeObject(String name) {
        return value(name).map(value -> {
            require(value.isObject(), name, "an object", value);
            return (ObjectNode) value;
        });
    }

    /// Reads a list; empty where the field is absent.
    private List<JsonNode> list(String name, int longest) {
        Optional<JsonNode> value = value(name);
        if (value.isEmpty()) {
            return List.of();
        }
        require(value.get().isArray(), name, "an array", value.get());
        requireLength(path(name), value.get().size(), longest);
        List<JsonNode> elements = new ArrayList<>();
        value.get().forEach(elements::add);
        return elements;
    }

    static void requireLength(String path, int length, int longest) {
        if (length > longest) {
            throw ApiException.invalid(
                    path,
                    "Invalid '%s': array too long. Expected an array with maximum length %s, but got an array with length %s instead."
                            .formatted(path, longest, length),
                    "array_above_max_length");
        }
    }

    List<Fields> objects(String name, int longest) {
        List<Fields> objects = new ArrayList<>();
        for (JsonNode element : list(name, longest)) {
            String path = "%s[%s]".formatted(path(name), objects.size());
            if (!(element instanceof ObjectNode fields)) {
                throw wrongType(path, "an object", element);
            }
            objects.add(new Fields(fields, path + ".", isForm));
        }
        return objects;
    }

    List<String> texts(String name, int longest) {
        List<String> texts = new ArrayList<>();
        for (JsonNode element : list(name, longest)) {
            if (!element.isTextual()) {
                throw wrongType("%s[%s]".formatted(path(name), texts.size()), "a string", element);
            }
            texts.add(element.textValue());
        }
        return texts;
    }

    List<Long> wholes(String name, int longest, long least, long most) {
        List<Long> numbers = new ArrayList<>();
        for (JsonNode element : list(name, longest)) {
            numbers.add(whole("%s[%s]".formatted(path(name), numbers.size()), element, least, most));
        }
        return numbers;
    }

    /// Refuses fields that were not read, as OpenAI's API does.
    void requireAllRead() {
        object.fieldNames().forEachRemaining(name -> {
            if (!read.contains(name)) {
                throw ApiException.invalid(
                        path(name),
                        "Unknown parameter: '%s'. Supported parameters are: %s."
                                .formatted(
                                        shortened(path(name)),
                                        NameList.of(read.stream().sorted().toList())),
                        "unknown_parameter");
            }
        });
    }

    private void require(boolean fits, String name, String expected, JsonNode found) {
        if (!fits) {
            throw wrongType(path(name), expected, found);
        }
    }

    private static ApiException wrongType(String path, String expected, JsonNode found) {
        String kind = switch (found.getNodeType()) {
            case STRING -> "a string";
            case NUMBER -> found.isIntegralNumber() ? "an integer" : "a decimal number";
            case BOOLEAN -> "a boolean";
            case ARRAY -> "an array";
            case OBJECT -> "an object";
            default -> JsonReason.shown(found);
        };
        return ApiException.invalid(
                path,
                "Invalid type for '%s': expected %s, but got %s instead.".formatted(path, expected, kind),
                INVALID_TYPE);
    }

    private static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }
}
