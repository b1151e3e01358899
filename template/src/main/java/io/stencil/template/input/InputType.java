package io.stencil.template.input;

import io.stencil.image.RgbImage;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The Java types that components of an input record may have, and how they are called in messages.
public final class InputType {

    private static final Set<Class<?>> WHOLE = Set.of(int.class, long.class, Integer.class, Long.class);
    private static final Set<Class<?>> REAL = Set.of(double.class, float.class, Double.class, Float.class);
    private static final Set<Class<?>> FLAG = Set.of(boolean.class, Boolean.class);

    private InputType() {}

    /// Whether JSON can be bound to the type.
    public static boolean isSupported(Type type) {
        if (type instanceof ParameterizedType generic) {
            boolean container = generic.getRawType() == List.class || generic.getRawType() == Optional.class;
            return container && isSupported(generic.getActualTypeArguments()[0]);
        }
        return type instanceof Class<?> plain && isSupported(plain);
    }

    private static boolean isSupported(Class<?> type) {
        if (type.isRecord()) {
            for (RecordComponent component : type.getRecordComponents()) {
                if (!isSupported(component.getGenericType())) {
                    return false;
                }
            }
            return true;
        }
        return isScalar(type) || type == RgbImage.class;
    }

    /// Numbers, booleans, strings and enums.
    public static boolean isScalar(Class<?> type) {
        return WHOLE.contains(type)
                || REAL.contains(type)
                || FLAG.contains(type)
                || type == String.class
                || type.isEnum();
    }

    /// What a list or an optional holds; any other type as it is.
    static Type content(Type type) {
        return type instanceof ParameterizedType generic ? generic.getActualTypeArguments()[0] : type;
    }

    /// What a field of this type holds, for people.
    static String describe(Type type) {
        if (type instanceof ParameterizedType generic) {
            return generic.getRawType() == List.class ? "a list" : describe(content(type));
        }
        return type instanceof Class<?> plain ? describe(plain) : "an object";
    }

    private static String describe(Class<?> type) {
        if (WHOLE.contains(type)) {
            return "a whole number";
        }
        if (REAL.contains(type)) {
            return "a number";
        }
        if (FLAG.contains(type)) {
            return "true or false";
        }
        if (type == RgbImage.class) {
            return "the path of a picture";
        }
        if (type.isEnum()) {
            return "one of " + List.of(type.getEnumConstants());
        }
        return type == String.class ? "a string" : "an object";
    }
}
