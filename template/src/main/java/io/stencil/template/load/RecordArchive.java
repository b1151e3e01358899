package io.stencil.template.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.TemplateException;
import io.stencil.image.RgbImage;
import io.stencil.json.Json;
import io.stencil.tensor.Tensors;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Records of tensors, images, scalars, and records, lists and optionals of them, as JSON and named tensors.
///
/// A tensor's name is the way to it, `levels.0.keys`, and stands in the JSON in its place. An image is a tensor of
/// bytes `[H, W, 3]`.
final class RecordArchive {

    private RecordArchive() {}

    /// @param tensors gets the tensors
    static JsonNode write(Record record, Map<String, Tensor> tensors) {
        return object(record, "", tensors);
    }

    private static ObjectNode object(Record record, String prefix, Map<String, Tensor> tensors) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            String name = component.getName();
            json.set(name, value(read(record, component), prefix + name, tensors));
        }
        return json;
    }

    private static JsonNode value(@Nullable Object value, String name, Map<String, Tensor> tensors) {
        return switch (value) {
            case null -> JsonNodeFactory.instance.nullNode();
            case Tensor tensor -> named(tensor, name, tensors);
            case RgbImage image ->
                named(Tensors.ofBytes(image.rgb(), image.height(), image.width(), RgbImage.CHANNELS), name, tensors);
            case Record inner -> object(inner, name + ".", tensors);
            case Optional<?> optional -> value(optional.orElse(null), name, tensors);
            case List<?> list -> list(list, name, tensors);
            default -> Json.MAPPER.valueToTree(value);
        };
    }

    private static JsonNode named(Tensor tensor, String name, Map<String, Tensor> tensors) {
        tensors.put(name, tensor);
        return JsonNodeFactory.instance.textNode(name);
    }

    private static ArrayNode list(List<?> list, String name, Map<String, Tensor> tensors) {
        ArrayNode json = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < list.size(); i++) {
            json.add(value(list.get(i), name + "." + i, tensors));
        }
        return json;
    }

    /// @param origin of the record's class, for messages
    /// @throws TemplateException when the JSON is not of this class
    static <R extends Record> R read(Path origin, Class<R> type, JsonNode json, Function<String, Tensor> tensors) {
        return new Reader(origin, tensors).record(type, json, "");
    }

    private record Reader(Path origin, Function<String, Tensor> tensors) {

        <R extends Record> R record(Class<R> type, JsonNode json, String prefix) {
            RecordComponent[] components = type.getRecordComponents();
            List<@Nullable Object> values = new ArrayList<>();
            for (RecordComponent component : components) {
                String name = prefix + component.getName();
                JsonNode value = json.get(component.getName());
                if (value == null) {
                    throw misfit(name, "is missing");
                }
                values.add(value(component.getGenericType(), value, name));
            }
            if (json.size() != components.length) {
                throw misfit(prefix.isEmpty() ? "the record" : prefix, "has other components");
            }
            return build(type, values);
        }

        private @Nullable Object value(Type type, JsonNode json, String name) {
            if (InputType.isOptional(type)) {
                return json.isNull()
                        ? Optional.empty()
                        : Optional.ofNullable(value(InputType.content(type), json, name));
            }
            if (json.isNull() && !(type instanceof Class<?> plain && plain.isPrimitive())) {
                return null;
            }
            if (InputType.isList(type)) {
                return list(InputType.content(type), json, name);
            }
            if (!(type instanceof Class<?> plain)) {
                throw misfit(name, "is of type " + type.getTypeName());
            }
            if (plain == Tensor.class) {
                return tensors.apply(json.asText());
            }
            if (plain == RgbImage.class) {
                Tensor bytes = tensors.apply(json.asText());
                return RgbImage.of(
                        Math.toIntExact(bytes.size(1)), Math.toIntExact(bytes.size(0)), Tensors.toBytes(bytes));
            }
            return plain.isRecord()
                    ? record(plain.asSubclass(Record.class), json, name + ".")
                    : scalar(plain, json, name);
        }

        private List<?> list(Type content, JsonNode json, String name) {
            List<Object> values = new ArrayList<>();
            for (int i = 0; i < json.size(); i++) {
                Object value = value(content, json.get(i), name + "." + i);
                if (value == null) {
                    throw misfit(name + "." + i, "is null");
                }
                values.add(value);
            }
            return List.copyOf(values);
        }

        private Object scalar(Class<?> type, JsonNode json, String name) {
            try {
                return Json.MAPPER.treeToValue(json, type);
            } catch (JsonProcessingException e) {
                throw misfit(name, "is not of type " + type.getSimpleName());
            }
        }

        private TemplateException misfit(String name, String what) {
            return new TemplateException(
                    origin,
                    "does not fit what was kept of its processed inputs: '%s' %s; process the dataset anew"
                            .formatted(name, what));
        }
    }

    /// Copies a record with `copy` applied to every tensor.
    @SuppressWarnings("unchecked") // the class of a record makes records of its class
    static <R extends Record> R map(R record, UnaryOperator<Tensor> copy) {
        List<@Nullable Object> values = new ArrayList<>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            values.add(copy(read(record, component), copy));
        }
        return build((Class<R>) record.getClass(), values);
    }

    /// Calls `visitor` with each tensor and the path to it, such as `levels.0.keys`.
    static void forEachTensor(Record record, BiConsumer<String, Tensor> visitor) {
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

    private static @Nullable Object copy(@Nullable Object value, UnaryOperator<Tensor> copy) {
        return switch (value) {
            case Tensor tensor -> copy.apply(tensor);
            case Record inner -> map(inner, copy);
            case List<?> list -> list.stream().map(one -> copy(one, copy)).toList();
            case Optional<?> optional -> optional.map(one -> copy(one, copy));
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

    /// Unwraps the exception of the author's accessor or constructor.
    private static RuntimeException thrown(InvocationTargetException e) {
        return switch (e.getTargetException()) {
            case RuntimeException unchecked -> unchecked;
            case Error error -> throw error;
            default -> new IllegalStateException(e.getTargetException());
        };
    }

    private static <R extends Record> R build(Class<R> type, List<@Nullable Object> values) {
        try {
            return construct(type, values);
        } catch (InvocationTargetException e) {
            throw thrown(e);
        }
    }

    /// Constructs a record of these values.
    ///
    /// @throws InvocationTargetException when the record's own constructor throws
    static <R extends Record> R construct(Class<R> type, List<@Nullable Object> values)
            throws InvocationTargetException {
        Class<?>[] types = Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values.toArray());
        } catch (NoSuchMethodException | InstantiationException | IllegalAccessException e) {
            throw new IllegalStateException(type + " cannot be built", e);
        }
    }
}
