package io.stencil.template;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Describes a component of a Template's input record: the range of a number, which is enforced when inputs are bound,
/// its default, and a line for people. Forms and the JSON Schema of the inputs are made of it.
///
/// ```java
/// public record Input(
///         @InputField(min = 0, max = 1, defaultValue = "0.5", description = "mean brightness") double scale) {}
/// ```
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface InputField {

    /// The least value of a number, or of each number of a list.
    double min() default Double.NEGATIVE_INFINITY;

    /// The greatest value of a number, or of each number of a list.
    double max() default Double.POSITIVE_INFINITY;

    /// The value of a field that is absent, as JSON: `0.5`, `"soft"`, `[1, 2]`. Empty for none: the field is required
    /// then, unless it is an `Optional` or may be null.
    String defaultValue() default "";

    /// One line for people.
    String description() default "";
}
