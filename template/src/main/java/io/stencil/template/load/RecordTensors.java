package io.stencil.template.load;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// The tensors in a record, all the way down: in its components, and in records, lists and optionals of them.
final class RecordTensors {

    private RecordTensors() {}

    /// The same record with every tensor replaced by what `copy` makes of it.
    static <R extends Record> R map(R record, UnaryOperator<Tensor> copy) {
        RecordComponent[] components = record.getClass().getRecordComponents();
        @Nullable Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            values[i] = value(read(record, components[i]), copy);
        }
        return build(record, components, values);
    }

    private static @Nullable Object value(@Nullable Object value, UnaryOperator<Tensor> copy) {
        return switch (value) {
            case Tensor tensor -> copy.apply(tensor);
            case Record inner -> map(inner, copy);
            case List<?> list -> list.stream().map(one -> value(one, copy)).toList();
            case Optional<?> optional -> optional.map(one -> value(one, copy));
            case null -> null;
            default -> value;
        };
    }

    private static @Nullable Object read(Record record, RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true); // an author's record may be private
            return component.getAccessor().invoke(record);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(component + " cannot be read", e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    @SuppressWarnings("unchecked") // the class of the record makes records of its class
    private static <R extends Record> R build(R record, RecordComponent[] components, @Nullable Object[] values) {
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            Constructor<?> constructor = record.getClass().getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return (R) constructor.newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(record.getClass() + " cannot be built anew", e);
        }
    }
}
