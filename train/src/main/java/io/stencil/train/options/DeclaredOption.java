package io.stencil.train.options;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.flux2.files.LoraFormat;
import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import io.stencil.train.optim.OptimizerType;
import io.stencil.train.options.DataOptions.ExtraInput;
import io.stencil.train.options.DataOptions.FileKey;
import io.stencil.train.options.DataOptions.MaskedLoss;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.ObjectiveOptions.TimestepSampling;
import io.stencil.train.options.ObjectiveOptions.TimestepWeighting;
import io.stencil.train.options.ValidationOptions.KeepBest;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Converts the values of a training option. It holds the declaration and the record component that holds its value.
public final class DeclaredOption {

    private final TrainingOption declaration;
    private final RecordComponent component;
    private final OptionCodec codec;

    DeclaredOption(TrainingOption declaration, RecordComponent component) {
        this.declaration = declaration;
        this.component = component;
        this.codec = isList() ? OptionCodec.ofList(element(component), name()) : OptionCodec.of(type(), name());
        if (component.getType().isPrimitive()
                && !isSwitch()
                && declaration.byDefault().isEmpty()) {
            throw new IllegalStateException(
                    "option '%s' needs a default: its type %s has no null".formatted(name(), component.getType()));
        }
    }

    private static Class<?> element(RecordComponent component) {
        return (Class<?>) ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
    }

    /// Name without dashes.
    public String name() {
        return declaration.name();
    }

    /// Everything that the declaration says.
    public TrainingOption declaration() {
        return declaration;
    }

    /// The type of its value, never a primitive one.
    public Class<?> type() {
        return MethodType.methodType(component.getType()).wrap().returnType();
    }

    /// Whether the value is a list or a set.
    public boolean isList() {
        return Collection.class.isAssignableFrom(component.getType());
    }

    /// Whether the value is true or false.
    public boolean isSwitch() {
        return type() == Boolean.class;
    }

    /// Whether the value is a path.
    public boolean isPath() {
        return type() == Path.class;
    }

    /// Reads a value from its texts: one, or those of a list.
    ///
    /// @throws InvalidRequestException when the text is not one of the known names
    public Object read(List<String> texts) {
        return codec.read().apply(texts);
    }

    /// Value where none is given, or null where there is none.
    @Nullable
    Object defaultValue() {
        if (!declaration.byDefault().isEmpty()) {
            return read(List.of(declaration.byDefault()));
        }
        if (isSwitch()) {
            return false;
        }
        return isList() ? type() == Set.class ? Set.of() : List.of() : null;
    }

    /// Replaces null by the default and checks the type.
    ///
    /// @throws InvalidRequestException for a value of another type, and where a value is missing
    @Nullable
    Object checked(@Nullable Object given) {
        Object value = given == null ? defaultValue() : given;
        if (value == null && !component.getAnnotatedType().isAnnotationPresent(Nullable.class)) {
            throw new InvalidRequestException(name(), "is missing");
        }
        if (value != null && !type().isInstance(value)) {
            throw new InvalidRequestException(
                    name(),
                    "must be of type %s, found %s '%s'"
                            .formatted(type().getSimpleName(), value.getClass().getSimpleName(), value));
        }
        return value;
    }

    /// JSON of the option's value in `group`, or null where it has none or an empty list.
    @Nullable
    JsonNode json(Object group) {
        return toJson(RecordReflection.value(component, group));
    }

    /// JSON of the default, or null where there is none.
    public @Nullable JsonNode defaultJson() {
        return toJson(defaultValue());
    }

    private @Nullable JsonNode toJson(@Nullable Object value) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        return switch (value) {
            case null -> null;
            case Boolean truth -> json.booleanNode(truth);
            case Integer number -> json.numberNode(number);
            case Long number -> json.numberNode(number);
            case Double number -> json.numberNode(number);
            case Collection<?> list -> list.isEmpty() ? null : json.textNode(codec.join(list));
            default -> json.textNode(codec.write().apply(value));
        };
    }

    /// Converts the values of options of one type from and to text.
    ///
    /// @param read from the texts on the command line: one, or those of a list
    /// @param write one value, or one element of a list
    private record OptionCodec(Function<List<String>, Object> read, Function<Object, String> write) {

        private static final Map<Class<?>, OptionCodec> CODECS = Map.ofEntries(
                Map.entry(Boolean.class, single(Boolean::valueOf)),
                Map.entry(Integer.class, single(Integer::valueOf)),
                Map.entry(Long.class, single(Long::valueOf)),
                Map.entry(Double.class, single(Double::valueOf)),
                Map.entry(
                        Path.class, new OptionCodec(texts -> Path.of(texts.getFirst()), path -> absolute((Path) path))),
                Map.entry(String.class, single(text -> text)),
                Map.entry(FileKey.class, new OptionCodec(FileKey::parse, key -> ((FileKey) key).key())),
                Map.entry(
                        ExtraInput.class,
                        new OptionCodec(
                                texts -> ExtraInput.parse(String.join(",", texts)),
                                input -> ((ExtraInput) input).key())));

        /// Names of enum constants.
        private static final Map<Class<?>, Function<Object, String>> CONSTANTS = Map.of(
                DType.class, dtype -> ((DType) dtype).text(),
                Task.class, task -> ((Task) task).option(),
                OnBadRow.class, policy -> ((OnBadRow) policy).option(),
                MaskedLoss.class, mask -> ((MaskedLoss) mask).option(),
                TimestepWeighting.class, weighting -> ((TimestepWeighting) weighting).option(),
                LearningRateSchedule.class, schedule -> ((LearningRateSchedule) schedule).option(),
                TimestepSampling.class, sampling -> ((TimestepSampling) sampling).option(),
                OptimizerType.class, optimizer -> ((OptimizerType) optimizer).option(),
                KeepBest.class, keep -> ((KeepBest) keep).option(),
                LoraFormat.class, format -> ((LoraFormat) format).option());

        /// Finds the codec of lists with elements of a type.
        static OptionCodec ofList(Class<?> element, String option) {
            return element == String.class ? new OptionCodec(List::copyOf, Object::toString) : of(element, option);
        }

        /// Finds the codec of a type.
        static OptionCodec of(Class<?> type, String option) {
            Function<Object, String> name = CONSTANTS.get(type);
            OptionCodec codec = name == null
                    ? CODECS.get(type)
                    : new OptionCodec(texts -> constant(type, name, option, texts.getFirst()), name);
            if (codec == null) {
                throw new IllegalStateException("no training option can be of type " + type.getName());
            }
            return codec;
        }

        private static Object constant(Class<?> type, Function<Object, String> name, String option, String text) {
            List<?> constants = Arrays.asList(type.getEnumConstants());
            for (Object constant : constants) {
                if (name.apply(constant).equals(text)) {
                    return constant;
                }
            }
            throw new InvalidRequestException(
                    option,
                    "expected one of %s, found '%s'"
                            .formatted(NameList.of(constants.stream().map(name).toList()), text));
        }

        /// The elements of a list, joined by commas; those of an enum in its order.
        String join(Collection<?> elements) {
            Stream<?> ordered = elements.stream();
            return (elements.stream().allMatch(Enum.class::isInstance) ? ordered.sorted() : ordered)
                    .map(write)
                    .collect(Collectors.joining(","));
        }

        private static OptionCodec single(Function<String, Object> read) {
            return new OptionCodec(texts -> read.apply(texts.getFirst()), Object::toString);
        }

        /// As a file of options may be read from another working directory.
        private static String absolute(Path path) {
            return path.toAbsolutePath().normalize().toString();
        }
    }

    /// Reads and creates records by reflection; what their own code throws is thrown on.
    static final class RecordReflection {

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
}
