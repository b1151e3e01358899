package io.stencil.template.load;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
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

    /// Calls `visitor` with each tensor and the path to it, such as `levels.0.keys`.
    static void forEach(Record record, BiConsumer<String, Tensor> visitor) {
        visit("", record, visitor);
    }

    private static void visit(String path, @Nullable Object value, BiConsumer<String, Tensor> visitor) {
        switch (value) {
            case Tensor tensor -> visitor.accept(path, tensor);
            case Record inner -> {
                for (RecordComponent component : inner.getClass().getRecordComponents()) {
                    String name = component.getName();
                    visit(path.isEmpty() ? name : path + "." + name, read(inner, component), visitor);
                }
            }
            case List<?> list -> {
                for (int i = 0; i < list.size(); i++) {
                    visit(path + "." + i, list.get(i), visitor);
                }
            }
            case Optional<?> optional -> visit(path, optional.orElse(null), visitor);
            case null, default -> {}
        }
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
            throw thrown(e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    /// What the author's accessor or constructor threw.
    private static RuntimeException thrown(InvocationTargetException e) {
        return switch (e.getTargetException()) {
            case RuntimeException unchecked -> unchecked;
            case Error error -> throw error;
            default -> new IllegalStateException(e.getTargetException());
        };
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
        } catch (InvocationTargetException e) {
            throw thrown(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(type + " cannot be built", e);
        }
    }
}
