package io.stencil.template.input;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.template.DataProcessor;
import java.nio.file.Path;

/// Binds a dataset's row to the record that a data processor declares, and lets it make the model's inputs.
public record DataProcessorBinder<R extends Record, I extends Record>(
        RecordBinder<R> rows, DataProcessor<R, I> processor) implements InputBinder<I> {

    @Override
    public I bind(ObjectNode fields, Path folder) {
        return processor.process(rows.bind(fields, folder));
    }
}
