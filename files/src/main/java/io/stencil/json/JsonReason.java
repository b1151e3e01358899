package io.stencil.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reasons why text is not JSON, without what only the parser's own programmers need: its classes, its settings and the
/// source that it does not show.
public final class JsonReason {

    private static final Pattern SOURCE =
            Pattern.compile("\\[Source: [^\\n]*?; (?:line: (\\d+)(?:, column: (\\d+))?|byte offset: #?\\d+)[^\\]]*\\]");
    private static final Pattern SETTING = Pattern.compile(
            "(?:, from `[^`]*`|: enable `[^`]*` to allow| \\(not recognized as one since Feature '[^']*' not enabled for parser\\))");

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

    /// Number of the line that the reason concerns, from 1.
    public static int line(JsonProcessingException fault) {
        return fault.getLocation() == null ? 1 : Math.max(1, fault.getLocation().getLineNr());
    }
}
