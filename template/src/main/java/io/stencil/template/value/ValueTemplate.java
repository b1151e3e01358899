package io.stencil.template.value;

import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import java.util.List;

/// The Template of a folder that holds nothing but weights of the value family.
///
/// @param layout sizes, as the weights have them
/// @param files of the weights, relative to the folder
public record ValueTemplate(ValueLayout layout, List<String> files) implements Template<ValueInput, ValueInput> {

    public ValueTemplate {
        files = List.copyOf(files);
    }

    @Override
    public TemplateModel<ValueInput, ValueInput> model(TransformerConfig base) {
        return new Network(layout);
    }

    @Override
    public Weights weights() {
        return new Weights.Files(files);
    }

    /// One number becomes keys and values.
    public static final class Network extends TemplateModel<ValueInput, ValueInput> {
        private final ValueKeyValues keyValues;

        public Network(ValueLayout layout) {
            keyValues = module("", new ValueKeyValues(layout));
        }

        @Override
        public ValueInput processInputs(ValueInput inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(ValueInput inputs, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));
        }
    }
}
