package io.stencil.gguf;

import java.util.List;
import java.util.stream.Collectors;

/// Value of a metadata key.
public sealed interface GgufValue {

    /// Elements of an array that [#text] shows.
    int SHOWN = 8;

    record Text(String value) implements GgufValue {}

    record Flag(boolean value) implements GgufValue {}

    /// @param value a Long, a BigInteger from 2^63 on, a Float or a Double
    record Numeric(Number value) implements GgufValue {}

    /// @param values all of one kind
    record Sequence(List<GgufValue> values) implements GgufValue {
        public Sequence {
            values = List.copyOf(values);
        }
    }

    /// Returns the value as text; of a long array the first elements and their number.
    default String text() {
        return switch (this) {
            case Text text -> text.value;
            case Flag flag -> Boolean.toString(flag.value);
            case Numeric number -> number.value.toString();
            case Sequence sequence -> {
                String shown = sequence.values.stream()
                        .limit(SHOWN)
                        .map(GgufValue::text)
                        .collect(Collectors.joining(", "));
                yield sequence.values.size() <= SHOWN
                        ? "[" + shown + "]"
                        : "[%s, ...] (%s values)".formatted(shown, sequence.values.size());
            }
        };
    }
}
