package io.stencil.train.options;

import io.stencil.tensor.DType;
import io.stencil.train.optim.LearningRateSchedule;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Converts the values of options of one type from and to text.
///
/// @param read from the texts on the command line: one, or those of a list
/// @param write one value, or one element of a list
record OptionCodec(Function<List<String>, Object> read, Function<Object, String> write) {

    private static final Map<Class<?>, OptionCodec> CODECS = Map.ofEntries(
            Map.entry(Boolean.class, single(Boolean::valueOf)),
            Map.entry(Integer.class, single(Integer::valueOf)),
            Map.entry(Long.class, single(Long::valueOf)),
            Map.entry(Double.class, single(Double::valueOf)),
            Map.entry(Path.class, new OptionCodec(texts -> Path.of(texts.getFirst()), path -> absolute((Path) path))),
            Map.entry(String.class, single(text -> text)),
            named(DType.class, OptionCodec::dtype, DType::text),
            named(Task.class, Task::parse, Task::option),
            named(OnBadRow.class, OnBadRow::parse, OnBadRow::option),
            named(TimestepWeighting.class, TimestepWeighting::parse, TimestepWeighting::option),
            named(LearningRateSchedule.class, LearningRateSchedule::parse, LearningRateSchedule::option),
            Map.entry(FileKey.class, new OptionCodec(FileKey::parse, key -> ((FileKey) key).key())),
            Map.entry(
                    ExtraInput.class,
                    new OptionCodec(
                            texts -> ExtraInput.parse(String.join(",", texts)), input -> ((ExtraInput) input).key())));

    private static final OptionCodec NAMES = new OptionCodec(List::copyOf, Object::toString);

    /// Finds the codec of lists with elements of a type.
    static OptionCodec ofList(Class<?> element) {
        return element == String.class ? NAMES : of(element);
    }

    /// Finds the codec of a type.
    static OptionCodec of(Class<?> type) {
        OptionCodec codec = CODECS.get(type);
        if (codec == null) {
            throw new IllegalStateException("no training option can be of type " + type.getName());
        }
        return codec;
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

    private static <E extends Enum<E>> Map.Entry<Class<?>, OptionCodec> named(
            Class<E> type, Function<String, E> read, Function<E, String> write) {
        return Map.entry(
                type, new OptionCodec(texts -> read.apply(texts.getFirst()), value -> write.apply(type.cast(value))));
    }

    private static DType dtype(String text) {
        return Stream.of(DType.values())
                .filter(dtype -> dtype.text().equals(text))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no dtype " + text));
    }

    /// As a file of options may be read from another working directory.
    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }
}
