package io.stencil.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads fields of a form whose names have places in objects and lists, as OpenAI's SDKs write them: `stencil[steps]`,
/// `stencil[seeds][]`, `stencil[templates][0][inputs][scale]`. Without an index an element begins where its predecessor
/// has the field already.
final class NestedFields {

    private static final Pattern NAME = Pattern.compile("([^\\[\\]]+)((?:\\[[^\\[\\]]*]){1,8})");
    private static final Pattern KEY = Pattern.compile("\\[([^\\[\\]]*)]");
    private static final Pattern INDEX = Pattern.compile("[0-9]{0,3}");

    private NestedFields() {}

    /// Whether a name has places; a list of texts or files at the top (`image[]`) has none.
    static boolean isNested(String name) {
        return NAME.matcher(name).matches() && !(name.endsWith("[]") && name.indexOf('[') == name.length() - 2);
    }

    /// Adds a text at its place.
    ///
    /// @throws ApiException when something else is at its place, or an index is left out
    static void put(ObjectNode texts, String name, String text) {
        Matcher parts = NAME.matcher(name);
        if (!parts.matches()) {
            throw conflict(name);
        }
        List<String> keys = new ArrayList<>(List.of(parts.group(1)));
        KEY.matcher(parts.group(2)).results().map(key -> key.group(1)).forEach(keys::add);
        put(texts, keys, text, name);
    }

    private static void put(ObjectNode object, List<String> keys, String text, String name) {
        String key = keys.getFirst();
        List<String> rest = keys.subList(1, keys.size());
        JsonNode found = object.get(key);
        if (rest.isEmpty()) {
            if (found != null && found.isContainerNode()) {
                throw conflict(name);
            }
            object.put(key, text);
        } else if (INDEX.matcher(rest.getFirst()).matches()) {
            JsonNode array = found == null ? object.putArray(key) : found;
            if (!(array instanceof ArrayNode elements)) {
                throw conflict(name);
            }
            add(elements, rest, text, name);
        } else {
            JsonNode inner = found == null ? object.putObject(key) : found;
            if (!(inner instanceof ObjectNode fields)) {
                throw conflict(name);
            }
            put(fields, rest, text, name);
        }
    }

    private static void add(ArrayNode elements, List<String> keys, String text, String name) {
        String index = keys.getFirst();
        List<String> rest = keys.subList(1, keys.size());
        if (rest.isEmpty()) {
            elements.add(text);
            return;
        }
        int at = index.isEmpty() ? nextElement(elements, rest) : Integer.parseInt(index);
        if (at > elements.size()) {
            throw ApiException.invalidValue(
                    name, "Invalid '%s': there is no element %s before it.".formatted(name, at - 1));
        }
        JsonNode element = at == elements.size() ? elements.addObject() : elements.get(at);
        if (!(element instanceof ObjectNode fields)) {
            throw conflict(name);
        }
        put(fields, rest, text, name);
    }

    /// The index of the last element, or behind it where that has the field already.
    private static int nextElement(ArrayNode elements, List<String> keys) {
        JsonNode last = elements.path(elements.size() - 1);
        for (String key : keys) {
            last = INDEX.matcher(key).matches() ? last : last.path(key);
        }
        boolean isNext = elements.isEmpty() || last.isValueNode();
        return isNext ? elements.size() : elements.size() - 1;
    }

    private static ApiException conflict(String name) {
        return ApiException.invalidValue(
                name, "Invalid '%s': another field of the form has a value of another kind there.".formatted(name));
    }
}
