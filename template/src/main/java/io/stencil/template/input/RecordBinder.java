package io.stencil.template.input;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.cfg.CoercionAction;
import com.fasterxml.jackson.databind.cfg.CoercionInputShape;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.type.LogicalType;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.image.RgbImage;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Binds a JSON object to a record, one field a component, strictly: nothing missing, nothing unknown, nothing coerced.
///
/// A component may be a number, a boolean, a string, an enum, an [RgbImage] (its path), a nested record, or a `List` of
/// these; an `Optional` of them may be absent.
public final class RecordBinder<I extends Record> implements InputBinder<I> {

    private static final JsonMapper MAPPER = mapper();

    private final Class<I> type;

    public RecordBinder(Class<I> type) {
        this.type = type;
    }

    /// The fields that an object must have, for people: `scale (a number), mask (a path)`.
    public String describe() {
        return Stream.of(type.getRecordComponents())
                .map(component -> "%s (%s)".formatted(jsonName(component), InputType.describe(component.getType())))
                .collect(Collectors.joining(", "));
    }

    @Override
    public I bind(ObjectNode fields, Path folder) {
        requireFields(fields, type, "");
        try {
            return MAPPER.readerFor(type)
                    .withAttribute(PictureReader.FOLDER, folder)
                    .readValue(fields);
        } catch (JsonMappingException e) {
            throw fault(fields, e);
        } catch (IOException e) {
            throw new InvalidRequestException(null, "the Template input cannot be read: " + e.getMessage(), e);
        }
    }

    /// Fields are checked before values, so that a misspelt one is told as such.
    private static void requireFields(JsonNode object, Class<?> type, String prefix) {
        List<RecordComponent> components = List.of(type.getRecordComponents());
        List<String> names = components.stream().map(RecordBinder::jsonName).toList();
        object.fieldNames().forEachRemaining(name -> {
            if (!names.contains(name)) {
                throw new InvalidRequestException(
                        prefix + name, "is no input of this Template; it has " + NameList.of(names));
            }
        });
        for (RecordComponent component : components) {
            String name = jsonName(component);
            JsonNode value = object.get(name);
            if (component.getType() == Optional.class) {
                continue;
            }
            if (value == null || value.isNull()) {
                throw new InvalidRequestException(
                        prefix + name, "is missing; expected " + InputType.describe(component.getGenericType()));
            }
            if (component.getType().isRecord() && value.isObject()) {
                requireFields(value, component.getType(), prefix + name + ".");
            }
        }
    }

    private static String jsonName(RecordComponent component) {
        return new ComponentNames().translate(component.getName());
    }

    private RuntimeException fault(ObjectNode fields, JsonMappingException e) {
        if (e.getCause() instanceof InvalidFileException broken) {
            return broken;
        }
        StringBuilder path = new StringBuilder();
        JsonNode value = fields;
        Type expected = type;
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                path.append('[').append(step.getIndex()).append(']');
                value = value.path(step.getIndex());
                expected = InputType.content(expected);
            } else {
                path.append(path.isEmpty() ? "" : ".").append(step.getFieldName());
                value = value.path(step.getFieldName());
                expected = component(InputType.content(expected), step.getFieldName());
            }
        }
        return new InvalidRequestException(
                Location.ofField(path.toString()),
                "must be %s, found %s".formatted(InputType.describe(expected), value),
                e);
    }

    /// The declared type of a record's component, by its name in JSON.
    private static Type component(Type record, String name) {
        if (record instanceof Class<?> plain && plain.isRecord()) {
            for (RecordComponent component : plain.getRecordComponents()) {
                if (jsonName(component).equals(name)) {
                    return component.getGenericType();
                }
            }
        }
        return Object.class;
    }

    private static JsonMapper mapper() {
        JsonMapper mapper = JsonMapper.builder()
                .propertyNamingStrategy(new ComponentNames())
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .addModule(new Jdk8Module())
                .addModule(new SimpleModule().addDeserializer(RgbImage.class, new PictureReader()))
                .build();
        for (LogicalType type : List.of(LogicalType.Textual, LogicalType.Enum)) {
            Stream.of(CoercionInputShape.Integer, CoercionInputShape.Float, CoercionInputShape.Boolean)
                    .forEach(shape -> mapper.coercionConfigFor(type).setCoercion(shape, CoercionAction.Fail));
        }
        return mapper;
    }
}
