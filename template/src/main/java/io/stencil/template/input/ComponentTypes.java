package io.stencil.template.input;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a record is made of, all the way down: leaves of some kinds, and records, lists and optionals of them.
public final class ComponentTypes {

    /// A component that cannot be used.
    ///
    /// @param path dotted, from the outermost record
    public record Fault(String path, Type type) {}

    private ComponentTypes() {}

    /// The first component that is made of anything else, a record that contains itself included.
    ///
    /// @param isLeaf whether a plain class that is no record is allowed
    public static Optional<Fault> firstFault(Class<?> record, Predicate<Class<?>> isLeaf) {
        return inRecord(record, isLeaf, "", Set.of(record));
    }

    private static Optional<Fault> inRecord(
            Class<?> record, Predicate<Class<?>> isLeaf, String prefix, Set<Class<?>> outer) {
        for (RecordComponent component : record.getRecordComponents()) {
            Optional<Fault> fault = inType(component.getGenericType(), isLeaf, prefix + component.getName(), outer);
            if (fault.isPresent()) {
                return fault;
            }
        }
        return Optional.empty();
    }

    private static Optional<Fault> inType(Type type, Predicate<Class<?>> isLeaf, String path, Set<Class<?>> outer) {
        if (InputType.isContainer(type)) {
            return inType(InputType.content(type), isLeaf, path, outer);
        }
        if (type instanceof Class<?> record && record.isRecord() && !outer.contains(record)) {
            Set<Class<?>> inner = new HashSet<>(outer);
            inner.add(record);
            return inRecord(record, isLeaf, path + ".", inner);
        }
        boolean fits = type instanceof Class<?> plain && !plain.isRecord() && isLeaf.test(plain);
        return fits ? Optional.empty() : Optional.of(new Fault(path, type));
    }

    /// The components of a record by their names in JSON.
    static List<String> jsonNames(Class<?> record) {
        return List.of(record.getRecordComponents()).stream()
                .map(component -> jsonName(component))
                .toList();
    }

    /// The fields of a record's object in JSON, for people: `scale (a number), style (an object: strength (a number))`.
    static String describe(Class<?> record) {
        return Stream.of(record.getRecordComponents())
                .map(component -> "%s (%s%s)"
                        .formatted(
                                jsonName(component),
                                InputType.describe(component.getGenericType()) + inner(component.getGenericType()),
                                isOptional(component) ? ", optional" : ""))
                .collect(Collectors.joining(", "));
    }

    /// What the elements of a list and the fields of an object are.
    private static String inner(Type type) {
        Type content = InputType.content(type);
        if (InputType.isContainer(content)) {
            return (InputType.isList(type) ? " of lists" : "") + inner(content);
        }
        boolean isRecord = content instanceof Class<?> plain && plain.isRecord();
        String fields = isRecord ? ": " + describe((Class<?>) content) : "";
        return InputType.isList(type) ? ", each " + InputType.describe(content) + fields : fields;
    }

    /// Whether a component may be absent.
    static boolean isOptional(RecordComponent component) {
        return component.getType() == Optional.class
                || component.getAnnotatedType().isAnnotationPresent(Nullable.class);
    }

    /// How a component is called in JSON.
    static String jsonName(RecordComponent component) {
        return new ComponentNames().translate(component.getName());
    }
}
