package io.stencil.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reasons why text is not JSON, without what only the parser's own programmers need: its classes, its settings and the
/// source that it does not show.
public final class JsonReason {

    private static final Pattern SOURCE =
            Pattern.compile("\\[Source: [^\\n]*?; (?:line: (\\d+)(?:, column: (\\d+))?|byte offset: #?\\d+)[^\\]]*\\]");
    private static final Pattern SETTING = Pattern.compile(
            "(?:, from `[^`]*`|: enable `[^`]*` to allow| \\(not recognized as one since Feature '[^']*' not enabled for parser\\))");

    /// Characters of a value in a message.
    private static final int SHOWN = 60;

    private static final Pattern NOT_A_NUMBER = Pattern.compile("Non-standard token '([+-]?(?:NaN|INF|Infinity))'");

    private JsonReason() {}

    /// The reason in one line, such as `Unexpected character ('x' (code 120)): was expecting comma to separate Object
    /// entries`.
    public static String of(JsonProcessingException fault) {
        String message = String.valueOf(fault.getOriginalMessage());
        if (fault instanceof MismatchedInputException && message.startsWith("Trailing token")) {
            return "there is more text behind the end of the value";
        }
        Matcher number = NOT_A_NUMBER.matcher(message);
        if (number.find()) {
            return "%s is not a JSON number; expected a finite number".formatted(number.group(1));
        }
        String placed =
                SOURCE.matcher(message).replaceAll(at -> at.group(1) == null ? "the start" : "line " + at.group(1));
        return SETTING.matcher(placed).replaceAll("").lines().findFirst().orElse("");
    }

    /// The reason why a JSON value cannot be bound to a record, with the place in the value, in one line and in the
    /// words of JSON: `[2].digest: is missing`, `step: must be a whole number, found "x"`. For other faults as [#of].
    ///
    /// @param value that cannot be bound
    public static String ofBinding(JsonProcessingException fault, JsonNode value) {
        if (!(fault instanceof MismatchedInputException mismatch)
                || (mismatch.getPath().isEmpty() && mismatch.getTargetType() == null)) {
            return of(fault);
        }
        StringBuilder place = new StringBuilder();
        JsonNode found = value;
        for (JsonMappingException.Reference step : mismatch.getPath()) {
            if (step.getFieldName() == null) {
                place.append('[').append(step.getIndex()).append(']');
                found = found.path(step.getIndex());
            } else {
                place.append(place.isEmpty() ? "" : ".").append(step.getFieldName());
                found = found.path(step.getFieldName());
            }
        }
        String reason = "must be %s, found %s".formatted(kind(mismatch.getTargetType()), shown(found));
        if (mismatch instanceof UnrecognizedPropertyException) {
            reason = "is not a known field";
        } else if (String.valueOf(mismatch.getOriginalMessage()).startsWith("Missing ") || found.isMissingNode()) {
            reason = "is missing";
        }
        return place.isEmpty() ? reason : place + ": " + reason;
    }

    /// Shortens a value for a message.
    public static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN - 3) + "...";
    }

    private static String kind(@Nullable Class<?> type) {
        if (type == null) {
            return "another value";
        }
        if (type == String.class) {
            return "a string";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == double.class || type == Double.class || type == float.class || type == Float.class) {
            return "a number";
        }
        if (type.isPrimitive() || Number.class.isAssignableFrom(type)) {
            return "a whole number";
        }
        return type.isArray() || Collection.class.isAssignableFrom(type) ? "a list" : "an object";
    }

    /// Number of the line that the reason concerns, from 1.
    public static int line(JsonProcessingException fault) {
        return fault.getLocation() == null ? 1 : Math.max(1, fault.getLocation().getLineNr());
    }
}
