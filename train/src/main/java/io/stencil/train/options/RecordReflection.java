package io.stencil.train.options;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads and creates records by reflection; what their own code throws is thrown on.
final class RecordReflection {

    private RecordReflection() {}

    /// Reads the value of a component.
    static @Nullable Object value(RecordComponent component, Object owner) {
        Method accessor = component.getAccessor();
        accessor.setAccessible(true); // the record need not be public
        try {
            return accessor.invoke(owner);
        } catch (ReflectiveOperationException fault) {
            throw unexpected(fault);
        }
    }

    /// Creates a record by its canonical constructor.
    ///
    /// @param values of all components, in their order
    static Object create(Class<?> type, List<@Nullable Object> values) {
        Class<?>[] types = Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values.toArray());
        } catch (ReflectiveOperationException fault) {
            throw unexpected(fault);
        }
    }

    private static RuntimeException unexpected(ReflectiveOperationException fault) {
        return fault instanceof InvocationTargetException && fault.getCause() instanceof RuntimeException cause
                ? cause
                : new IllegalStateException(fault);
    }
}
