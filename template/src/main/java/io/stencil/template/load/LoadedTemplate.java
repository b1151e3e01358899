package io.stencil.template.load;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.autograd.GradMode;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateInput;
import io.stencil.template.TemplateModel;
import io.stencil.template.input.InputBinder;
import java.nio.file.Path;
import org.bytedeco.pytorch.Tensor;

/// A Template in memory: its model, and the binding of JSON to the records that it declares.
///
/// @param <I> record of the inputs
/// @param <P> record of the processed inputs
public final class LoadedTemplate<I extends Record, P extends Record> implements AutoCloseable {

    private final TemplateModel<I, P> model;
    private final InputBinder<I> inputs;
    private final InputBinder<I> rows;

    /// @param inputs binds a Template input of a generation
    /// @param rows binds what a dataset's row holds under `template_inputs`, through the data processor if there is one
    LoadedTemplate(TemplateModel<I, P> model, InputBinder<I> inputs, InputBinder<I> rows) {
        this.model = model;
        this.inputs = inputs;
        this.rows = rows;
    }

    /// The network; this object owns it.
    public TemplateModel<I, P> model() {
        return model;
    }

    /// Binds, processes and runs one input of a generation.
    ///
    /// @return the cache, owned by the caller's scope
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    public TemplateCache run(TemplateInput input, ForwardContext context) {
        return prepare(inputs.bind(input.fields(), input.folder()), context.pipeline())
                .forward(context);
    }

    /// Checks that a dataset's row fits the model's inputs, without running anything.
    ///
    /// @throws io.stencil.error.InvalidRequestException naming the field that does not fit
    public void checkRow(ObjectNode templateInputs, Path folder) {
        rows.bind(templateInputs, folder);
    }

    /// Binds and processes a dataset's row; the gradient-free stage of training.
    ///
    /// @param folder against which paths of images are resolved
    public PreparedInput<P> prepareRow(ObjectNode templateInputs, Path folder, Flux2Pipeline pipeline) {
        return prepare(rows.bind(templateInputs, folder), pipeline);
    }

    /// A tensor with memory of its own where it shares that of a parameter, so that it may outlive the model.
    public Tensor unbound(Tensor tensor) {
        boolean shared = model.state().values().stream().anyMatch(parameter -> tensor.is_alias_of(parameter.get()));
        return shared ? tensor.clone() : tensor;
    }

    private PreparedInput<P> prepare(I bound, Flux2Pipeline pipeline) {
        try (GradMode _ = GradMode.disabled()) {
            return new PreparedInput<>(model, model.processInputs(bound, pipeline));
        }
    }

    /// Frees the model.
    @Override
    public void close() {
        model.close();
    }
}
