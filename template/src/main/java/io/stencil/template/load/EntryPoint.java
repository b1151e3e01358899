package io.stencil.template.load;

import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.template.DataProcessor;
import io.stencil.template.Template;
import io.stencil.template.input.DataProcessorBinder;
import io.stencil.template.input.InputBinder;
import io.stencil.template.input.InputType;
import io.stencil.template.input.RecordBinder;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.Optional;

/// A Template's entry point, checked: the object, and the records that it declares.
///
/// @param origin the file that declares it, for messages
/// @param rows binds what a dataset's row holds
record EntryPoint<I extends Record, P extends Record>(
        Path origin, Template<I, P> template, RecordBinder<I> inputs, InputBinder<I> rows) {

    private static final String CLASS_NAME = "Model";

    /// An entry point whose types are known, as the built-in ones are.
    static <I extends Record, P extends Record> EntryPoint<I, P> of(
            Path origin, Template<I, P> template, Class<I> inputType) {
        RecordBinder<I> binder = new RecordBinder<>(inputType);
        return new EntryPoint<>(origin, template, binder, binder);
    }

    /// Finds and checks the class `Model`.
    ///
    /// @throws TemplateException naming the part of the contract that is missing or wrong
    static EntryPoint<?, ?> find(Path origin, ClassLoader loader) {
        Class<?> type;
        try {
            type = loader.loadClass(CLASS_NAME);
        } catch (ClassNotFoundException e) {
            throw new TemplateException(
                    Location.of(origin),
                    "declares no class Model in the default package; the entry point is"
                            + " 'public final class Model implements Template<...>'",
                    e);
        }
        if (!Template.class.isAssignableFrom(type)) {
            throw new TemplateException(origin, "class Model must implement io.stencil.template.Template<I, P>");
        }
        ParameterizedType contract = contract(origin, type);
        Class<? extends Record> input = record(origin, contract.getActualTypeArguments()[0], "the inputs");
        Class<? extends Record> processed =
                record(origin, contract.getActualTypeArguments()[1], "the processed inputs");
        for (RecordComponent component : input.getRecordComponents()) {
            if (!InputType.isSupported(component.getGenericType())) {
                throw component(origin, input, component, "cannot be bound from JSON");
            }
        }
        for (RecordComponent component : processed.getRecordComponents()) {
            if (!ProcessedType.isSupported(component.getGenericType())) {
                throw component(origin, processed, component, "cannot be written to a cache");
            }
        }
        return typed(origin, instance(origin, type), input);
    }

    @SuppressWarnings("unchecked") // the contract's first type argument is what was read by reflection
    private static <I extends Record, P extends Record> EntryPoint<I, P> typed(
            Path origin, Template<?, ?> instance, Class<?> input) {
        Template<I, P> template = (Template<I, P>) instance;
        RecordBinder<I> inputs = new RecordBinder<>((Class<I>) input);
        Optional<DataProcessor<?, I>> processor;
        try {
            processor = template.dataProcessor();
        } catch (RuntimeException e) {
            throw authorFault(origin, "dataProcessor()", e);
        }
        InputBinder<I> rows = processor.isEmpty() ? inputs : rows(origin, template, processor.get());
        return new EntryPoint<>(origin, template, inputs, rows);
    }

    @SuppressWarnings("unchecked") // the row type is read off the processor's own declaration
    private static <R extends Record, I extends Record> InputBinder<I> rows(
            Path origin, Template<I, ?> template, DataProcessor<?, I> processor) {
        Class<R> row = (Class<R>) RowType.of(origin, template, processor);
        return new DataProcessorBinder<>(new RecordBinder<>(row), (DataProcessor<R, I>) processor);
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
            Constructor<?> constructor = type.getConstructor();
            return (Template<?, ?>) constructor.newInstance();
        } catch (NoSuchMethodException e) {
            throw new TemplateException(
                    Location.of(origin), "class Model must have a public constructor without parameters", e);
        } catch (InvocationTargetException e) {
            throw authorFault(origin, "the constructor of Model", e.getTargetException());
        } catch (ReflectiveOperationException e) {
            throw authorFault(origin, "the constructor of Model", e);
        }
    }

    private static TemplateException component(Path origin, Class<?> record, RecordComponent component, String fault) {
        return new TemplateException(
                origin,
                "component '%s' of record %s is of type %s, which %s"
                        .formatted(
                                component.getName(),
                                record.getSimpleName(),
                                component.getGenericType().getTypeName(),
                                fault));
    }

    /// An error for something that the author's code threw.
    static TemplateException authorFault(Path origin, String where, Throwable thrown) {
        return new TemplateException(
                Location.of(origin),
                "%s threw %s: %s".formatted(where, thrown.getClass().getSimpleName(), thrown.getMessage()),
                thrown);
    }
}
