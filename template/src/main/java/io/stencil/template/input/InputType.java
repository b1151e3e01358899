package io.stencil.template.input;

import io.stencil.image.RgbImage;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The Java types that components of an input record may have, and how they are called in messages.
public final class InputType {

    private static final Set<Class<?>> WHOLE = Set.of(int.class, long.class, Integer.class, Long.class);
    private static final Set<Class<?>> REAL = Set.of(double.class, float.class, Double.class, Float.class);
    private static final Set<Class<?>> FLAG = Set.of(boolean.class, Boolean.class);

    private InputType() {}

    /// Whether JSON can be bound to a class that is no record: numbers, booleans, strings, enums and pictures.
    public static boolean isLeaf(Class<?> type) {
        return isScalar(type) || type == RgbImage.class;
    }

    /// Numbers, booleans, strings and enums.
    public static boolean isScalar(Class<?> type) {
        return isWhole(type) || isReal(type) || isFlag(type) || type == String.class || type.isEnum();
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
    public static boolean isContainer(Type type) {
        return isList(type) || isOptional(type);
    }

    /// Whether the type is a `List` of something.
    public static boolean isList(Type type) {
        return type instanceof ParameterizedType generic && generic.getRawType() == List.class;
    }

    /// Whether the type is an `Optional` of something.
    public static boolean isOptional(Type type) {
        return type instanceof ParameterizedType generic && generic.getRawType() == Optional.class;
    }

    /// What a list or an optional holds; any other type as it is.
    public static Type content(Type type) {
        return type instanceof ParameterizedType generic ? generic.getActualTypeArguments()[0] : type;
    }

    /// What a field of this type holds, for people.
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
            return "the path of a picture";
        }
        if (type.isEnum()) {
            return "one of "
                    + Stream.of(type.getEnumConstants())
                            .map(constant -> ((Enum<?>) constant).name())
                            .toList();
        }
        return type == String.class ? "a string" : "an object";
    }
}
