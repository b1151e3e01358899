package io.stencil.template.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.error.StencilException;
import io.stencil.files.LocalPath;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.template.ImageNode;
import io.stencil.template.TemplateInput;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Binds a JSON object to a record, one field a component, strictly: nothing missing, nothing unknown, nothing coerced.
///
/// A component may be a number, a boolean, a string, an enum, an [io.stencil.image.RgbImage] (its path, or an
/// [ImageNode]), a nested record, or a `List` of these. A component that is an `Optional` or is annotated [Nullable]
/// may be absent. What a record's own constructor refuses is refused with its message.
final class RecordBinder<I extends Record> implements InputBinder<I> {

    private final Class<I> type;
    private final boolean rows;
    private final boolean readsFiles;

    /// Binds the inputs of a Template's model.
    ///
    /// @param type a record of which [InputType#firstFault] finds no fault with [InputType#isLeaf]
    RecordBinder(Class<I> type) {
        this(type, false, true);
    }

    private RecordBinder(Class<I> type, boolean rows, boolean readsFiles) {
        this.type = type;
        this.rows = rows;
        this.readsFiles = readsFiles;
    }

    /// A binder of the same record that reads no file: each image is an [ImageNode].
    RecordBinder<I> withoutFiles() {
        return new RecordBinder<>(type, rows, false);
    }

    /// Binds what a data processor reads from a dataset row: messages name the data processor and its record.
    ///
    /// @param type as for the inputs
    static <R extends Record> RecordBinder<R> ofRows(Class<R> type) {
        return new RecordBinder<>(type, true, true);
    }

    /// The fields that an object must have, for people: `scale (a number), mask (the path of an image)`.
    String describe() {
        return InputType.describeFields(type);
    }

    @Override
    public ObjectNode schema() {
        return InputSchema.of(type);
    }

    @Override
    public I bind(ObjectNode fields, Path folder) {
        return type.cast(record(type, fields, new Place("", readsFiles ? folder : null)));
    }

    @Override
    public I bind(TemplateInput input) {
        return (input.readsFiles() ? this : withoutFiles()).bind(input.fields(), input.folder());
    }

    private Record record(Class<?> type, JsonNode object, Place place) {
        List<String> names = InputType.jsonNames(type);
        object.fieldNames().forEachRemaining(name -> {
            if (!names.contains(name)) {
                throw place.field(name)
                        .fault(
                                rows
                                        ? "is not a field that the data processor reads; " + reads()
                                        : "is not an input of this Template; it has " + NameList.of(names));
            }
        });
        List<@Nullable Object> values = new ArrayList<>();
        for (RecordComponent component : type.getRecordComponents()) {
            String name = TemplateInput.jsonName(component);
            values.add(component(component, object.path(name), place.field(name)));
        }
        return construct(type.asSubclass(Record.class), values, place);
    }

    private String reads() {
        return "its record %s has %s".formatted(type.getSimpleName(), describe());
    }

    private @Nullable Object component(RecordComponent component, JsonNode value, Place place) {
        if (!value.isMissingNode() && !value.isNull()) {
            Object bound = value(component.getGenericType(), value, place);
            DeclaredField.rangeFault(component, bound).ifPresent(fault -> {
                throw place.fault(fault);
            });
            return bound;
        }
        Optional<JsonNode> otherwise = DeclaredField.defaultValue(component);
        if (otherwise.isPresent()) {
            return component(component, otherwise.get(), place);
        }
        if (component.getType() == Optional.class) {
            return Optional.empty();
        }
        if (InputType.isOptional(component)) {
            return null;
        }
        String expected = place.describe(component.getGenericType());
        throw place.fault(
                rows
                        ? "is missing; the data processor expects %s; %s".formatted(expected, reads())
                        : "is missing; expected " + expected);
    }

    private Object value(Type type, JsonNode value, Place place) {
        if (InputType.isOptional(type)) {
            return Optional.of(value(InputType.content(type), value, place));
        }
        if (InputType.isList(type)) {
            place.require(value.isArray(), type, value);
            List<Object> elements = new ArrayList<>();
            for (int i = 0; i < value.size(); i++) {
                elements.add(value(InputType.content(type), value.path(i), place.element(i)));
            }
            return List.copyOf(elements);
        }
        Class<?> plain = (Class<?>) type;
        if (plain.isRecord()) {
            place.require(value.isObject(), type, value);
            return record(plain, value, place);
        }
        return LeafReader.read(plain, value, place);
    }

    /// Binds the default of a component.
    ///
    /// @throws InvalidRequestException when it does not fit the component
    void requireDefault(RecordComponent component) {
        component(component, MissingNode.getInstance(), new Place("", Path.of("")));
    }

    private static Record construct(Class<? extends Record> type, List<@Nullable Object> values, Place place) {
        try {
            return RecordArchive.construct(type, values);
        } catch (InvocationTargetException e) {
            Throwable refusal = e.getTargetException();
            if (refusal instanceof StencilException fault) {
                throw fault;
            }
            if (refusal instanceof Error error) {
                throw error;
            }
            String why = refusal.getMessage() == null ? refusal.getClass().getSimpleName() : refusal.getMessage();
            String line = AuthorLine.of(refusal).map(" (%s)"::formatted).orElse("");
            throw new InvalidRequestException(
                    place.location(), "is refused by %s: %s%s".formatted(type.getSimpleName(), why, line), refusal);
        }
    }

    /// Reads one JSON value that is no list and no object, without turning one kind of value into another.
    private static final class LeafReader {

        private LeafReader() {}

        /// @param type one of [InputType#isLeaf]
        /// @throws InvalidRequestException when the value is of another kind or out of the type's range
        static Object read(Class<?> type, JsonNode value, Place place) {
            if (InputType.isWhole(type)) {
                return whole(type, value, place);
            }
            if (InputType.isReal(type)) {
                return real(type, value, place);
            }
            if (InputType.isFlag(type)) {
                place.require(value.isBoolean(), type, value);
                return value.booleanValue();
            }
            if (type.isEnum()) {
                Optional<?> constant = Arrays.stream(type.getEnumConstants())
                        .filter(one ->
                                value.isTextual() && ((Enum<?>) one).name().equals(value.textValue()))
                        .findFirst();
                place.require(constant.isPresent(), type, value);
                return constant.orElseThrow();
            }
            if (type == RgbImage.class) {
                return ImageNode.image(value).orElseGet(() -> image(value, place));
            }
            place.require(value.isTextual(), type, value);
            return value.textValue();
        }

        private static Object whole(Class<?> type, JsonNode value, Place place) {
            place.require(value.isIntegralNumber(), type, value);
            if (type == int.class || type == Integer.class) {
                place.require(value.canConvertToInt(), range(Integer.MIN_VALUE, Integer.MAX_VALUE), value);
                return value.intValue();
            }
            place.require(value.canConvertToLong(), range(Long.MIN_VALUE, Long.MAX_VALUE), value);
            return value.longValue();
        }

        private static String range(long lowest, long highest) {
            return "a whole number from %s to %s".formatted(lowest, highest);
        }

        private static Object real(Class<?> type, JsonNode value, Place place) {
            place.require(value.isNumber(), type, value);
            if (type == float.class || type == Float.class) {
                place.require(Float.isFinite(value.floatValue()), "a finite number of single precision", value);
                return value.floatValue();
            }
            place.require(Double.isFinite(value.doubleValue()), "a finite number", value);
            return value.doubleValue();
        }

        private static RgbImage image(JsonNode path, Place place) {
            Path folder = place.folder();
            place.require(path.isTextual() && folder != null, RgbImage.class, path);
            try {
                return RgbImageReader.read(RgbImageReader.resolve(Objects.requireNonNull(folder), path.textValue()));
            } catch (InvalidPathException e) {
                throw new InvalidRequestException(place.location(), "is not a path: " + LocalPath.reason(e), e);
            }
        }
    }

    /// The place of a value in a Template input.
    ///
    /// @param path `style.points[2].x`; empty for the input as a whole
    /// @param folder against which paths of images are resolved; null where no file is read
    private record Place(String path, @Nullable Path folder) {

        private static final String WHOLE = "template_inputs";

        Place field(String name) {
            return new Place(path.isEmpty() ? name : path + "." + name, folder);
        }

        Place element(int index) {
            return new Place(path + "[" + index + "]", folder);
        }

        Location location() {
            return Location.ofField(path.isEmpty() ? WHOLE : path);
        }

        InvalidRequestException fault(String what) {
            return new InvalidRequestException(location(), what);
        }

        /// @throws InvalidRequestException saying what was expected and found, when `fits` is false
        void require(boolean fits, Type expected, JsonNode found) {
            require(fits, describe(expected), found);
        }

        String describe(Type type) {
            return folder == null && type == RgbImage.class ? "an image, no path" : InputType.describe(type);
        }

        void require(boolean fits, String expected, JsonNode found) {
            if (!fits) {
                throw fault("must be %s, found %s".formatted(expected, found));
            }
        }
    }
}
