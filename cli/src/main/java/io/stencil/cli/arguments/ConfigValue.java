package io.stencil.cli.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A value of a configuration file: a single one, a list or a map.
sealed interface ConfigValue {

    /// The value for an option that takes JSON.
    JsonNode json();

    /// What the value is, for messages.
    String kind();

    /// A string, a number, a boolean or null.
    ///
    /// @param text as written in the file, without quotes: what the command line would hold
    /// @param json what it is inside JSON
    record Single(String text, JsonNode json) implements ConfigValue {

        @Override
        public String kind() {
            return "single value";
        }
    }

    record Sequence(List<ConfigValue> elements) implements ConfigValue {

        @Override
        public JsonNode json() {
            ArrayNode array = JsonNodeFactory.instance.arrayNode();
            elements.forEach(element -> array.add(element.json()));
            return array;
        }

        @Override
        public String kind() {
            return "list";
        }
    }

    record Mapping(Map<String, ConfigValue> fields) implements ConfigValue {

        @Override
        public JsonNode json() {
            ObjectNode object = JsonNodeFactory.instance.objectNode();
            fields.forEach((key, value) -> object.set(key, value.json()));
            return object;
        }

        @Override
        public String kind() {
            return "map";
        }
    }

    static ConfigValue of(JsonNode node) {
        if (node.isArray()) {
            List<ConfigValue> elements = new ArrayList<>();
            node.forEach(element -> elements.add(of(element)));
            return new Sequence(elements);
        }
        if (node.isObject()) {
            Map<String, ConfigValue> fields = new LinkedHashMap<>();
            node.properties().forEach(field -> fields.put(field.getKey(), of(field.getValue())));
            return new Mapping(fields);
        }
        return new Single(node.asText(), node);
    }
}
