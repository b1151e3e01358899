package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.nn.Parameter;
import io.stencil.template.DataProcessor;
import io.stencil.template.Template;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A Template's entry point, checked: the object, and the records that it declares.
///
/// @param origin the file that declares it, for messages
/// @param processed what the model's `processInputs` makes
/// @param rows binds what a dataset's row holds
record EntryPoint<I extends Record, P extends Record>(
        Path origin, Template<I, P> template, Class<P> processed, RecordBinder<I> inputs, InputBinder<I> rows) {

    /// An entry point whose types are known, as the built-in ones are.
    static <I extends Record, P extends Record> EntryPoint<I, P> of(
            Path origin, Template<I, P> template, Class<I> inputType, Class<P> processed) {
        RecordBinder<I> binder = new RecordBinder<>(inputType);
        return new EntryPoint<>(origin, template, processed, binder, binder);
    }

    /// Finds and checks the class `Model`.
    ///
    /// @throws TemplateException naming the part of the contract that is missing or wrong
    static EntryPoint<?, ?> find(Path origin, ClassLoader loader) {
        try {
            return checked(origin, EntryClass.find(origin, loader));
        } catch (LinkageError | TypeNotPresentException e) {
            throw new TemplateException(
                    Location.of(origin),
                    "class Model or a class that it needs cannot be loaded (%s); compile it again".formatted(e),
                    e);
        }
    }

    private static EntryPoint<?, ?> checked(Path origin, EntryClass found) {
        requireComponents(origin, found.input(), InputType::isLeaf, "cannot be bound from JSON");
        DeclaredField.requireUsable(origin, found.input());
        requireComponents(origin, found.processed(), EntryPoint::isCacheable, "cannot be written to a cache");
        return typed(origin, found);
    }

    @SuppressWarnings("unchecked") // the contract's type arguments are what was read by reflection
    private static <I extends Record, P extends Record> EntryPoint<I, P> typed(Path origin, EntryClass found) {
        Template<I, P> template = (Template<I, P>) found.instance();
        RecordBinder<I> inputs = new RecordBinder<>((Class<I>) found.input());
        Optional<? extends DataProcessor<?, I>> processor =
                new AuthorCode(origin).call("dataProcessor()", template::dataProcessor);
        InputBinder<I> rows = processor.isEmpty() ? inputs : rows(origin, template, processor.get());
        return new EntryPoint<>(origin, template, (Class<P>) found.processed(), inputs, rows);
    }

    @SuppressWarnings("unchecked") // the row type is read off the processor's own declaration
    private static <R extends Record, I extends Record> InputBinder<I> rows(
            Path origin, Template<I, ?> template, DataProcessor<?, I> processor) {
        Class<R> row = (Class<R>) RowType.of(origin, template, processor);
        requireComponents(origin, row, InputType::isLeaf, "cannot be bound from JSON");
        DeclaredField.requireUsable(origin, row);
        return new DataProcessorBinder<>(
                RecordBinder.ofRows(row), (DataProcessor<R, I>) processor, new AuthorCode(origin));
    }

    /// Binds the record that a data processor reads; empty without one.
    Optional<RecordBinder<?>> processedRows() {
        return rows instanceof DataProcessorBinder<?, ?> processor ? Optional.of(processor.rows()) : Optional.empty();
    }

    private static boolean isCacheable(Class<?> type) {
        return type == Tensor.class || type == RgbImage.class || InputType.isScalar(type);
    }

    private static void requireComponents(Path origin, Class<?> record, Predicate<Class<?>> isLeaf, String fault) {
        InputType.firstFault(record, isLeaf).ifPresent(found -> {
            throw new TemplateException(
                    origin,
                    "component '%s' of record %s is of type %s, which %s"
                            .formatted(
                                    found.path(),
                                    record.getSimpleName(),
                                    found.type().getTypeName(),
                                    fault));
        });
    }

    /// A new network.
    ///
    /// @throws TemplateException when the author's code fails, or returns a network that was used and closed before
    TemplateModel<I, P> model(TransformerConfig base) {
        AuthorCode code = new AuthorCode(origin);
        TemplateModel<I, P> model = code.call("model(base)", () -> template.model(base));
        Map<String, Parameter> state = code.call("state() of the network", model::state);
        if (state.values().stream().anyMatch(Parameter::isClosed)) {
            throw new TemplateException(
                    origin, "model(base) returned a network that is closed; create a new one in each call");
        }
        return model;
    }

    /// Calls the Template's `weights()`.
    ///
    /// @throws TemplateException when the author's code fails
    Weights weights() {
        return new AuthorCode(origin).call("weights()", template::weights);
    }

    /// The class `Model` of a Template: an instance of it, and the two records that it names as type arguments.
    private record EntryClass(
            Template<?, ?> instance, Class<? extends Record> input, Class<? extends Record> processed) {

        private static final String NAME = "Model";

        /// @throws TemplateException naming the part of the contract that is missing or wrong
        static EntryClass find(Path origin, ClassLoader loader) {
            Class<?> type = load(origin, loader);
            if (!Template.class.isAssignableFrom(type)) {
                throw new TemplateException(origin, "class Model must implement io.stencil.template.Template<I, P>");
            }
            Type[] records = contract(origin, type).getActualTypeArguments();
            return new EntryClass(
                    instance(origin, type),
                    record(origin, records[0], "the inputs"),
                    record(origin, records[1], "the processed inputs"));
        }

        private static Class<?> load(Path origin, ClassLoader loader) {
            try {
                Class<?> type = loader.loadClass(NAME);
                if (loader.equals(type.getClassLoader())) {
                    return type;
                }
            } catch (ClassNotFoundException e) {
                throw absent(origin, e);
            }
            throw absent(origin, null);
        }

        private static TemplateException absent(Path origin, @Nullable Exception cause) {
            return new TemplateException(
                    Location.of(origin),
                    "declares no class Model in the default package; the entry point is"
                            + " 'public final class Model implements Template<...>'",
                    cause);
        }

        private static ParameterizedType contract(Path origin, Class<?> type) {
            for (Type implemented : type.getGenericInterfaces()) {
                if (implemented instanceof ParameterizedType generic && generic.getRawType() == Template.class) {
                    return generic;
                }
            }
            throw new TemplateException(
                    origin, "class Model must itself declare 'implements Template<INPUT, PROCESSED>' with two records");
        }

        private static Class<? extends Record> record(Path origin, Type type, String what) {
            if (type instanceof Class<?> plain && plain.isRecord()) {
                return plain.asSubclass(Record.class);
            }
            throw new TemplateException(
                    origin,
                    "%s of Template<INPUT, PROCESSED> must be a record, found %s".formatted(what, type.getTypeName()));
        }

        private static Template<?, ?> instance(Path origin, Class<?> type) {
            if (!Modifier.isPublic(type.getModifiers()) || Modifier.isAbstract(type.getModifiers())) {
                throw new TemplateException(origin, "class Model must be public and not abstract");
            }
            try {
                return (Template<?, ?>) type.getConstructor().newInstance();
            } catch (NoSuchMethodException e) {
                throw new TemplateException(
                        Location.of(origin), "class Model must have a public constructor without parameters", e);
            } catch (InvocationTargetException e) {
                throw new AuthorCode(origin).fault("the constructor of Model", e.getTargetException());
            } catch (ReflectiveOperationException | LinkageError e) {
                throw new AuthorCode(origin).fault("the constructor of Model", e);
            }
        }
    }

    /// Finds the record that a data processor reads.
    private static final class RowType {

        private RowType() {}

        /// The row record, from the declared return type of `dataProcessor()`, or from the processor's own class.
        ///
        /// @throws TemplateException when neither names it
        static Class<?> of(Path origin, Template<?, ?> template, DataProcessor<?, ?> processor) {
            return declared(template)
                    .or(() -> implemented(processor))
                    .orElseThrow(() -> new TemplateException(
                            origin,
                            "dataProcessor() does not say which record it reads; declare it as"
                                    + " 'Optional<DataProcessor<Row, Input>> dataProcessor()' with a record Row"));
        }

        private static Optional<Class<?>> declared(Template<?, ?> template) {
            try {
                Type returned = template.getClass().getMethod("dataProcessor").getGenericReturnType();
                return returned instanceof ParameterizedType optional
                        ? row(optional.getActualTypeArguments()[0])
                        : Optional.empty();
            } catch (NoSuchMethodException e) {
                throw new IllegalStateException("every Template has dataProcessor()", e);
            }
        }

        private static Optional<Class<?>> implemented(DataProcessor<?, ?> processor) {
            for (Type type : processor.getClass().getGenericInterfaces()) {
                Optional<Class<?>> row = row(type);
                if (row.isPresent()) {
                    return row;
                }
            }
            return Optional.empty();
        }

        private static Optional<Class<?>> row(Type type) {
            boolean found = type instanceof ParameterizedType generic
                    && (generic.getRawType() == DataProcessor.class
                            || generic.getRawType() == DataProcessor.WithFolder.class)
                    && generic.getActualTypeArguments()[0] instanceof Class<?> plain
                    && plain.isRecord();
            return found
                    ? Optional.of((Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0])
                    : Optional.empty();
        }
    }

    /// Binds the `template_inputs` of a dataset row to the record that a data processor declares, and calls the
    /// processor.
    ///
    /// @param rows binder of the declared record
    /// @param code the author's, to which the processor belongs
    private record DataProcessorBinder<R extends Record, I extends Record>(
            RecordBinder<R> rows, DataProcessor<R, I> processor, AuthorCode code) implements InputBinder<I> {

        @Override
        public I bind(ObjectNode fields, Path folder) {
            R row = rows.bind(fields, folder);
            return code.callOnInputs("the data processor", () -> processor.process(row, folder));
        }

        @Override
        public ObjectNode schema() {
            return rows.schema();
        }
    }
}
