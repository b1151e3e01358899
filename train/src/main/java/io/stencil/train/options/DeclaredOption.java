package io.stencil.train.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.error.InvalidRequestException;
import java.lang.invoke.MethodType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A training option: its declaration and the record component that holds its value.
public final class DeclaredOption {

    private final TrainingOption declaration;
    private final RecordComponent component;
    private final OptionCodec codec;

    DeclaredOption(TrainingOption declaration, RecordComponent component) {
        this.declaration = declaration;
        this.component = component;
        this.codec = isList() ? OptionCodec.ofList(element(component)) : OptionCodec.of(type());
        if (component.getType().isPrimitive()
                && !isSwitch()
                && declaration.byDefault().isEmpty()) {
            throw new IllegalStateException(
                    "option '%s' needs a default: its type %s has no null".formatted(name(), component.getType()));
        }
    }

    private static Class<?> element(RecordComponent component) {
        return (Class<?>) ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
    }

    /// Name without dashes.
    public String name() {
        return declaration.name();
    }

    /// Everything that the declaration says.
    public TrainingOption declaration() {
        return declaration;
    }

    /// The type of its value, never a primitive one.
    public Class<?> type() {
        return MethodType.methodType(component.getType()).wrap().returnType();
    }

    /// Whether the value is a list or a set.
    public boolean isList() {
        return Collection.class.isAssignableFrom(component.getType());
    }

    /// Whether the value is true or false.
    public boolean isSwitch() {
        return type() == Boolean.class;
    }

    /// Whether the value is a path.
    public boolean isPath() {
        return type() == Path.class;
    }

    /// Whether runs of `task` use the option.
    public boolean isUsedBy(Task task) {
        return Arrays.asList(declaration.tasks()).contains(task);
    }

    /// Reads a value from its texts: one, or those of a list.
    ///
    /// @throws InvalidRequestException when the text is not one of the known names
    public Object read(List<String> texts) {
        return codec.read().apply(texts);
    }

    /// Value where none is given, or null where there is none.
    @Nullable
    Object defaultValue() {
        if (!declaration.byDefault().isEmpty()) {
            return read(List.of(declaration.byDefault()));
        }
        if (isSwitch()) {
            return false;
        }
        return isList() ? type() == Set.class ? Set.of() : List.of() : null;
    }

    /// Replaces null by the default and checks the type.
    ///
    /// @throws InvalidRequestException for a value of another type, and where a value is missing
    @Nullable
    Object checked(@Nullable Object given) {
        Object value = given == null ? defaultValue() : given;
        if (value == null && !component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
            throw new InvalidRequestException(name(), "is missing");
        }
        if (value != null && !type().isInstance(value)) {
            throw new InvalidRequestException(
                    name(),
                    "must be of type %s, found %s '%s'"
                            .formatted(type().getSimpleName(), value.getClass().getSimpleName(), value));
        }
        return value;
    }

    /// JSON of the option's value in `group`, or null where it has none or an empty list.
    @Nullable
    JsonNode json(Object group) {
        return toJson(RecordReflection.value(component, group));
    }

    /// JSON of the default, or null where there is none.
    public @Nullable JsonNode defaultJson() {
        return toJson(defaultValue());
    }

    private @Nullable JsonNode toJson(@Nullable Object value) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return switch (value) {
            case null -> null;
            case Boolean truth -> json.booleanNode(truth);
            case Integer number -> json.numberNode(number);
            case Long number -> json.numberNode(number);
            case Double number -> json.numberNode(number);
            case Collection<?> list -> list.isEmpty() ? null : json.textNode(codec.join(list));
            default -> json.textNode(codec.write().apply(value));
        };
    }
}
