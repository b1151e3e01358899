package io.stencil.train.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.train.options.DeclaredOption.RecordReflection;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Lists the options that a record declares, and converts between values by name, the record and JSON.
///
/// A component with [TrainingOption] is an option. One whose type is a record with options is a group of them. Any
/// other is no option, and its value is given under the component's name.
///
/// @param <T> the record
public final class OptionSchema<T extends Record> {

    private final Class<T> type;
    private final List<DeclaredOption> options;
    private final Set<String> names = new HashSet<>();

    private OptionSchema(Class<T> type) {
        this.type = type;
        this.options = List.copyOf(declared(type));
        addNames(type);
    }

    public static <T extends Record> OptionSchema<T> of(Class<T> type) {
        return new OptionSchema<>(type);
    }

    private void addNames(Class<?> group) {
        for (RecordComponent component : group.getRecordComponents()) {
            TrainingOption declaration = component.getAnnotation(TrainingOption.class);
            if (declaration != null && !names.add(declaration.name())) {
                throw new IllegalStateException("option '%s' is declared twice".formatted(declaration.name()));
            }
            if (declaration == null && isGroup(component)) {
                addNames(component.getType());
            } else if (declaration == null) {
                names.add(component.getName());
            }
        }
    }

    private static boolean isGroup(RecordComponent component) {
        return component.getType().isRecord() && !declared(component.getType()).isEmpty();
    }

    private static List<DeclaredOption> declared(Class<?> type) {
        List<DeclaredOption> options = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            TrainingOption declaration = component.getAnnotation(TrainingOption.class);
            if (declaration != null) {
                options.add(new DeclaredOption(declaration, component));
            } else if (component.getType().isRecord()) {
                options.addAll(declared(component.getType()));
            }
        }
        return options;
    }

    /// All options, in the order of their declarations.
    public List<DeclaredOption> options() {
        return options;
    }

    public Optional<DeclaredOption> option(String name) {
        return options.stream().filter(option -> option.name().equals(name)).findFirst();
    }

    /// Creates the record; options without a value have their default.
    ///
    /// @param values by the names of options, and of components that are no options
    /// @throws InvalidRequestException for a value that cannot be used, naming its option
    public T build(Map<String, ? extends @Nullable Object> values) {
        for (String name : values.keySet()) {
            if (!names.contains(name)) {
                throw new InvalidRequestException(name, "is no training option");
            }
        }
        return type.cast(create(type, values));
    }

    private static Object create(Class<?> type, Map<String, ? extends @Nullable Object> values) {
        List<@Nullable Object> arguments = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            arguments.add(argument(component, values));
        }
        return RecordReflection.create(type, arguments);
    }

    private static @Nullable Object argument(
            RecordComponent component, Map<String, ? extends @Nullable Object> values) {
        TrainingOption declaration = component.getAnnotation(TrainingOption.class);
        if (declaration != null) {
            return new DeclaredOption(declaration, component).checked(values.get(declaration.name()));
        }
        return isGroup(component) ? create(component.getType(), values) : values.get(component.getName());
    }

    /// Every option that has a value and is used by `task`, under its name.
    public ObjectNode json(T record, Task task) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        put(json, record, task);
        return json;
    }

    private static void put(ObjectNode json, Object group, Task task) {
        for (RecordComponent component : group.getClass().getRecordComponents()) {
            TrainingOption declaration = component.getAnnotation(TrainingOption.class);
            if (declaration != null) {
                JsonNode value = new DeclaredOption(declaration, component).json(group);
                if (value != null && Arrays.asList(declaration.tasks()).contains(task)) {
                    json.set(declaration.name(), value);
                }
            } else if (RecordReflection.value(component, group) instanceof Record nested) {
                put(json, nested, task);
            }
        }
    }
}
