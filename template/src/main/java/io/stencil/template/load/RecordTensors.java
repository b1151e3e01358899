package io.stencil.template.load;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
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
    @SuppressWarnings("unchecked") // the class of a record makes records of its class
    static <R extends Record> R map(R record, UnaryOperator<Tensor> copy) {
        List<@Nullable Object> values = new ArrayList<>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            values.add(value(read(record, component), copy));
        }
        return build((Class<R>) record.getClass(), values);
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

    /// The value of a component.
    static @Nullable Object read(Record record, RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true); // an author's record may be private
            return component.getAccessor().invoke(record);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(component + " cannot be read", e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    /// A record of these values.
    static <R extends Record> R build(Class<R> type, List<@Nullable Object> values) {
        Class<?>[] types = Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values.toArray());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type + " cannot be built", e);
        }
    }
}
