package io.stencil.lab.evaluate;

/// One measured number.
///
/// @param name what it is, in words
public record Figure(String name, double value, Target target) {

    public static Figure atLeast(String name, double value, double least) {
        return new Figure(name, value, new Target.AtLeast(least));
    }

    public static Figure atMost(String name, double value, double most) {
        return new Figure(name, value, new Target.AtMost(most));
    }

    public static Figure below(String name, double value, double bound) {
        return new Figure(name, value, new Target.Below(bound));
    }

    public static Figure above(String name, double value, double bound) {
        return new Figure(name, value, new Target.Above(bound));
    }

    /// A number without a target.
    public static Figure told(String name, double value) {
        return new Figure(name, value, new Target.None());
    }

    public boolean holds() {
        return target.holds(value);
    }
}
