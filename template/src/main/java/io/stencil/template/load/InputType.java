package io.stencil.template.load;

import io.stencil.image.RgbImage;
import io.stencil.template.TemplateInput;
import java.lang.reflect.ParameterizedType;
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

/// The Java types that components of an input record may have, and how they are called in messages.
final class InputType {

    private static final Set<Class<?>> WHOLE = Set.of(int.class, long.class, Integer.class, Long.class);
    private static final Set<Class<?>> REAL = Set.of(double.class, float.class, Double.class, Float.class);
    private static final Set<Class<?>> FLAG = Set.of(boolean.class, Boolean.class);

    private InputType() {}

    /// Returns whether JSON binds to a class without fields: numbers, booleans, strings, enums and images.
    static boolean isLeaf(Class<?> type) {
        return isScalar(type) || type == RgbImage.class;
    }

    /// Numbers, booleans, strings and enums.
    static boolean isScalar(Class<?> type) {
        return isWhole(type) || isReal(type) || isFlag(type) || type == String.class || type.isEnum();
    }

    static boolean isNumber(Class<?> type) {
        return isWhole(type) || isReal(type);
    }

    static boolean isWhole(Class<?> type) {
        return WHOLE.contains(type);
    }

    static boolean isReal(Class<?> type) {
        return REAL.contains(type);
    }

    static boolean isFlag(Class<?> type) {
        return FLAG.contains(type);
    }

    /// Whether the type is a `List` or an `Optional` of something.
    static boolean isContainer(Type type) {
        return isList(type) || isOptional(type);
    }

    /// Whether the type is a `List` of something.
    static boolean isList(Type type) {
        return type instanceof ParameterizedType generic && generic.getRawType() == List.class;
    }

    /// Whether the type is an `Optional` of something.
    static boolean isOptional(Type type) {
        return type instanceof ParameterizedType generic && generic.getRawType() == Optional.class;
    }

    /// Returns the element type of a list or an optional; any other type as it is.
    static Type content(Type type) {
        return type instanceof ParameterizedType generic ? generic.getActualTypeArguments()[0] : type;
    }

    /// Describes the values of a type, for people.
    static String describe(Type type) {
        if (isContainer(type)) {
            return isList(type) ? "a list" : describe(content(type));
        }
        return type instanceof Class<?> plain ? describe(plain) : "an object";
    }

    private static String describe(Class<?> type) {
        if (isWhole(type)) {
            return "a whole number";
        }
        if (isReal(type)) {
            return "a number";
        }
        if (isFlag(type)) {
            return "true or false";
        }
        if (type == RgbImage.class) {
            return "the path of an image";
        }
        if (type.isEnum()) {
            return "one of "
                    + Stream.of(type.getEnumConstants())
                            .map(constant -> ((Enum<?>) constant).name())
                            .toList();
        }
        return type == String.class ? "a string" : "an object";
    }

    /// A component that cannot be used.
    ///
    /// @param path dotted, from the outermost record
    record Fault(String path, Type type) {}

    /// The first component that is made of anything else, a record that contains itself included.
    ///
    /// @param isLeaf whether a plain class that is no record is allowed
    static Optional<Fault> firstFault(Class<?> record, Predicate<Class<?>> isLeaf) {
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
        if (isContainer(type)) {
            return inType(content(type), isLeaf, path, outer);
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
                .map(TemplateInput::jsonName)
                .toList();
    }

    /// The fields of a record's object in JSON, for people: `scale (a number from 0 to 1), style (an object: strength
    /// (a number))`.
    static String describeFields(Class<?> record) {
        return Stream.of(record.getRecordComponents())
                .map(component -> "%s (%s%s)"
                        .formatted(
                                TemplateInput.jsonName(component),
                                describe(component.getGenericType())
                                        + inner(component.getGenericType())
                                        + DeclaredField.describeRange(component),
                                isOptional(component) ? ", optional" : ""))
                .collect(Collectors.joining(", "));
    }

    /// Describes the elements of a list and the fields of an object.
    private static String inner(Type type) {
        Type content = content(type);
        if (isContainer(content)) {
            return (isList(type) ? " of lists" : "") + inner(content);
        }
        boolean isRecord = content instanceof Class<?> plain && plain.isRecord();
        String fields = isRecord ? ": " + describeFields((Class<?>) content) : "";
        return isList(type) ? ", each " + describe(content) + fields : fields;
    }

    /// Returns whether a component may be absent.
    static boolean isOptional(RecordComponent component) {
        return component.getType() == Optional.class
                || DeclaredField.defaultValue(component).isPresent()
                || component.getAnnotatedType().isAnnotationPresent(Nullable.class);
    }
}
