package io.stencil.lab.evaluate;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/// One input for one Template.
///
/// @param template name of the Template
/// @param fields of the input
public record Steering(String template, ObjectNode fields) {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /// An input of a Template that has none to choose.
    public static Steering of(String template) {
        return new Steering(template, JSON.objectNode());
    }

    /// An input of one number.
    public static Steering of(String template, String field, double value) {
        return new Steering(template, JSON.objectNode().put(field, value));
    }

    /// An input of several numbers.
    public static Steering of(String template, Map<String, Double> values) {
        ObjectNode fields = JSON.objectNode();
        values.forEach(fields::put);
        return new Steering(template, fields);
    }
}
