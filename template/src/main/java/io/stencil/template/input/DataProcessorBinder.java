package io.stencil.template.input;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.template.DataProcessor;
import io.stencil.template.author.AuthorCode;
import java.nio.file.Path;

/// Binds the `template_inputs` of a dataset row to the record that a data processor declares, and calls the processor.
///
/// @param rows binder of the declared record
/// @param code the author's, to which the processor belongs
public record DataProcessorBinder<R extends Record, I extends Record>(
        RecordBinder<R> rows, DataProcessor<R, I> processor, AuthorCode code) implements InputBinder<I> {

    @Override
    public I bind(ObjectNode fields, Path folder) {
        R row = rows.bind(fields, folder);
        return code.callOnInputs("the data processor", () -> processor.process(row));
    }
}
