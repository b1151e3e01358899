package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.template.DataProcessor;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateModel;
import io.stencil.template.input.InputBinder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A Template in memory: its model and the types that its inputs are bound to.
///
/// @param <I> record of the inputs
/// @param <P> record of the processed inputs
public final class LoadedTemplate<I extends Record, P extends Record> implements AutoCloseable {

    private final TemplateModel<I, P> model;
    private final InputBinder<I> inputs;
    private final @Nullable RowReader<I> rows;

    LoadedTemplate(TemplateModel<I, P> model, InputBinder<I> inputs, @Nullable RowReader<I> rows) {
        this.model = model;
        this.inputs = inputs;
        this.rows = rows;
    }
}
