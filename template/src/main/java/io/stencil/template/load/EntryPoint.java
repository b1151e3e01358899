package io.stencil.template.load;

import io.stencil.error.Location;
import io.stencil.error.TemplateException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.nn.Parameter;
import io.stencil.template.DataProcessor;
import io.stencil.template.Template;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.author.AuthorCode;
import io.stencil.template.input.ComponentTypes;
import io.stencil.template.input.DataProcessorBinder;
import io.stencil.template.input.InputBinder;
import io.stencil.template.input.InputType;
import io.stencil.template.input.RecordBinder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Tensor;

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
        ComponentTypes.firstFault(record, isLeaf).ifPresent(found -> {
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

    /// Where the weights lie.
    ///
    /// @throws TemplateException when the author's code fails
    Weights weights() {
        return new AuthorCode(origin).call("weights()", template::weights);
    }
}
