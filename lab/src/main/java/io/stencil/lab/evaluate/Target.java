package io.stencil.lab.evaluate;

import java.util.Locale;

/// What a figure is held against.
public sealed interface Target {

    record AtLeast(double least) implements Target {}

    record AtMost(double most) implements Target {}

    /// Less than: the bound itself is a miss.
    record Below(double bound) implements Target {}

    /// More than: the bound itself is a miss.
    record Above(double bound) implements Target {}

    /// Told for its own sake.
    record None() implements Target {}

    /// Whether a value meets it; NaN meets nothing but [None].
    default boolean holds(double value) {
        return switch (this) {
            case AtLeast(double least) -> value >= least;
            case AtMost(double most) -> value <= most;
            case Below(double bound) -> value < bound;
            case Above(double bound) -> value > bound;
            case None _ -> true;
        };
    }

    /// `>= 0.95`, or nothing.
    default String text() {
        return switch (this) {
            case AtLeast(double least) -> ">= " + number(least);
            case AtMost(double most) -> "<= " + number(most);
            case Below(double bound) -> "< " + number(bound);
            case Above(double bound) -> "> " + number(bound);
            case None _ -> "";
        };
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%s", value);
    }
}
