package io.stencil.template.load;

import io.stencil.error.TemplateException;
import io.stencil.template.DataProcessor;
import io.stencil.template.Template;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.Optional;

/// Finds the record that a data processor reads.
final class RowType {

    private RowType() {}

    /// The row record, from the declared return type of `dataProcessor()`, or from the processor's own class.
    ///
    /// @throws TemplateException when neither names it
    static Class<?> of(Path origin, Template<?, ?> template, DataProcessor<?, ?> processor) {
        return declared(template)
                .or(() -> implemented(processor))
                .orElseThrow(() -> new TemplateException(
                        origin,
                        "dataProcessor() does not say which record it reads; return a class that implements"
                                + " DataProcessor<Row, Input> with a record Row"));
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
                && generic.getRawType() == DataProcessor.class
                && generic.getActualTypeArguments()[0] instanceof Class<?> plain
                && plain.isRecord();
        return found
                ? Optional.of((Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0])
                : Optional.empty();
    }
}
