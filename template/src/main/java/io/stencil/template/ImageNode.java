package io.stencil.template;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.POJONode;
import io.stencil.error.InvalidRequestException;
import io.stencil.image.RgbImage;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// An image as a value in a JSON tree, which is no text: written as JSON it is its size.
public final class ImageNode {

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private ImageNode() {}

    /// The image, as a node for [TemplateInput#fields].
    public static JsonNode of(RgbImage image) {
        return NODES.pojoNode(new Content(image));
    }

    /// The image of a node that [#of] made, or that holds an `RgbImage`; empty for any other.
    public static Optional<RgbImage> image(JsonNode node) {
        return switch (node instanceof POJONode value ? value.getPojo() : null) {
            case Content(RgbImage image) -> Optional.of(image);
            case RgbImage image -> Optional.of(image); // of another tree of Java values
            case null, default -> Optional.empty();
        };
    }

    private record Content(RgbImage image) implements JsonSerializable {

        @Override
        public void serialize(JsonGenerator json, SerializerProvider serializers) throws IOException {
            json.writeString("an image of " + image.size() + " pixels");
        }

        @Override
        public void serializeWithType(JsonGenerator json, SerializerProvider serializers, TypeSerializer type)
                throws IOException {
            serialize(json, serializers);
        }
    }

    /// Makes a JSON object of a map's values, in which images are such nodes.
    ///
    /// @param place dotted, for messages; empty for the input as a whole
    static ObjectNode object(String place, Map<?, ?> values) {
        ObjectNode object = NODES.objectNode();
        values.forEach((key, value) -> {
            if (!(key instanceof String name)) {
                throw new InvalidRequestException(
                        place.isEmpty() ? "template_inputs" : place,
                        "has a key that is no string: %s; give names of fields".formatted(key));
            }
            object.set(name, node(inner(place, name), value));
        });
        return object;
    }

    /// Makes a JSON object of a record's components likewise.
    static ObjectNode object(String place, Record values) {
        ObjectNode object = NODES.objectNode();
        for (RecordComponent component : values.getClass().getRecordComponents()) {
            String name = TemplateInput.jsonName(component);
            object.set(name, node(inner(place, name), read(values, component)));
        }
        return object;
    }

    private static String inner(String place, String name) {
        return place.isEmpty() ? name : place + "." + name;
    }

    private static @Nullable Object read(Record record, RecordComponent component) {
        try {
            component.getAccessor().setAccessible(true); // the record may be private
            return component.getAccessor().invoke(record);
        } catch (InvocationTargetException e) {
            throw new InvalidRequestException(
                    component.getName(), "cannot be read from its record: " + e.getTargetException());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(component + " cannot be read", e);
        }
    }

    private static JsonNode node(String place, @Nullable Object value) {
        return switch (value) {
            case null -> NODES.nullNode();
            case JsonNode node -> node;
            case RgbImage image -> of(image);
            case String text -> NODES.textNode(text);
            case Boolean flag -> NODES.booleanNode(flag);
            case Enum<?> constant -> NODES.textNode(constant.name());
            case Byte number -> NODES.numberNode((int) number);
            case Short number -> NODES.numberNode((int) number);
            case Integer number -> NODES.numberNode((int) number);
            case Long number -> NODES.numberNode((long) number);
            case Float number -> NODES.numberNode((float) number);
            case Double number -> NODES.numberNode((double) number);
            case BigInteger number -> NODES.numberNode(number);
            case BigDecimal number -> NODES.numberNode(number);
            case Optional<?> optional -> node(place, optional.orElse(null));
            case Map<?, ?> map -> object(place, map);
            case Record record -> object(place, record);
            case Collection<?> elements -> array(place, elements);
            default ->
                throw new InvalidRequestException(
                        place,
                        "is a %s, which no Template input has; give numbers, booleans, strings, enum constants, images (RgbImage), or maps, records and lists of them"
                                .formatted(value.getClass().getName()));
        };
    }

    private static ArrayNode array(String place, Collection<?> elements) {
        ArrayNode array = NODES.arrayNode();
        for (Object element : elements) {
            array.add(node(place + "[" + array.size() + "]", element));
        }
        return array;
    }
}
