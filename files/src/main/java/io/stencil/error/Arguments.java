package io.stencil.error;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Validates arguments of public methods, which code without null checks may call with null.
public final class Arguments {

    private Arguments() {}

    /// Returns an argument that is not null.
    ///
    /// @param name of the parameter
    /// @throws InvalidRequestException naming the parameter, when it is null
    public static <T> T require(String name, @Nullable T value) {
        return require(name, value, "a value is required");
    }

    /// Returns an argument that is not null.
    ///
    /// @param name of the parameter
    /// @param remedy names what to pass instead of null
    /// @throws InvalidRequestException naming the parameter, when it is null
    public static <T> T require(String name, @Nullable T value, String remedy) {
        if (value == null) {
            throw new InvalidRequestException(name, "is null; " + remedy);
        }
        return value;
    }

    /// Copies a list without nulls.
    ///
    /// @param name of the parameter
    /// @throws InvalidRequestException naming the parameter or its element, as in `sources[1]`, when it is null
    public static <T> List<T> copyOf(String name, @Nullable List<? extends T> values) {
        List<T> copy = new ArrayList<>();
        for (T value : require(name, values)) {
            copy.add(require("%s[%s]".formatted(name, copy.size()), value));
        }
        return List.copyOf(copy);
    }
}
