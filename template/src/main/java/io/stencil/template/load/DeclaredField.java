package io.stencil.template.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.image.RgbImage;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.template.InputField;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The range and the default that an [InputField] declares for a component.
final class DeclaredField {

    private DeclaredField() {}

    /// @throws InvalidRequestException when it is not JSON
    static Optional<JsonNode> defaultValue(RecordComponent component) {
        InputField field = component.getAnnotation(InputField.class);
        if (field == null || field.defaultValue().isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Json.MAPPER.readTree(field.defaultValue()));
        } catch (JsonProcessingException e) {
            throw new InvalidRequestException(
                    Location.ofField(component.getName()), "is not JSON: " + JsonReason.of(e), e);
        }
    }

    /// Returns a message about a value out of its component's range.
    ///
    /// @param bound a number, a list of numbers, an optional of either; anything else has no range
    static Optional<String> rangeFault(RecordComponent component, Object bound) {
        InputField field = component.getAnnotation(InputField.class);
        return field == null ? Optional.empty() : rangeFault(field, bound, "");
    }

    private static Optional<String> rangeFault(InputField field, Object bound, String element) {
        return switch (bound) {
            case Number number
            when number.doubleValue() < field.min() || number.doubleValue() > field.max() ->
                Optional.of("%smust be %s, found %s".formatted(element, range(field), number));
            case List<?> list ->
                list.stream()
                        .flatMap(value -> rangeFault(field, value, "holds a value that ").stream())
                        .findFirst();
            case Optional<?> optional -> optional.flatMap(content -> rangeFault(field, content, element));
            default -> Optional.empty();
        };
    }

    /// The declared range for people, behind the type of the component: ` from 0 to 1`; empty for none.
    static String describeRange(RecordComponent component) {
        InputField field = component.getAnnotation(InputField.class);
        if (field == null || (Double.isInfinite(field.min()) && Double.isInfinite(field.max()))) {
            return "";
        }
        return (Double.isInfinite(field.min()) || Double.isInfinite(field.max()) ? " of " : " ") + range(field);
    }

    private static String range(InputField field) {
        if (!Double.isFinite(field.max())) {
            return "at least " + number(field.min());
        }
        return Double.isFinite(field.min())
                ? "from %s to %s".formatted(number(field.min()), number(field.max()))
                : "at most " + number(field.max());
    }

    /// A bound for people: a whole number has no decimals.
    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    /// Validates the [InputField]s of a record and of those in it.
    ///
    /// @throws TemplateException naming the component whose range or default cannot be used
    static void requireUsable(Path origin, Class<?> record) {
        for (RecordComponent component : record.getRecordComponents()) {
            Type content = component.getGenericType();
            while (InputType.isContainer(content)) {
                content = InputType.content(content);
            }
            Class<?> plain = (Class<?>) content;
            if (plain.isRecord()) {
                requireUsable(origin, plain);
            }
            InputField field = component.getAnnotation(InputField.class);
            if (field == null) {
                continue;
            }
            boolean bounded = field.min() != Double.NEGATIVE_INFINITY || field.max() != Double.POSITIVE_INFINITY;
            if (!(field.min() <= field.max()) || (bounded && !InputType.isNumber(plain))) {
                throw fault(
                        origin,
                        component,
                        "the range %s to %s; a range is that of a number or a list of numbers, its lower end first"
                                .formatted(field.min(), field.max()),
                        null);
            }
            try {
                if (defaultValue(component).isPresent()) {
                    if (plain == RgbImage.class) {
                        throw new InvalidRequestException("defaultValue", "is of an image, which has no default");
                    }
                    new RecordBinder<>(component.getDeclaringRecord().asSubclass(Record.class))
                            .requireDefault(component);
                }
            } catch (InvalidRequestException e) {
                throw fault(origin, component, "the default %s, which %s".formatted(field.defaultValue(), e.what()), e);
            }
        }
    }

    private static TemplateException fault(
            Path origin, RecordComponent component, String what, @Nullable Throwable cause) {
        return new TemplateException(
                Location.of(origin),
                "@InputField of component '%s' of record %s declares %s"
                        .formatted(
                                component.getName(),
                                component.getDeclaringRecord().getSimpleName(),
                                what),
                cause);
    }
}
