package io.stencil.template.value;

import io.stencil.error.InvalidRequestException;
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
public record ValueTemplate(ValueLayout layout, List<String> files)
        implements Template<ValueTemplate.Input, ValueTemplate.Input> {

    /// The input of a Template of the value family.
    ///
    /// @param scale the number; trained Templates say which range they know, usually 0..1
    public record Input(double scale) {

        private static final double MAX_SCALE = 1e6;

        /// @throws InvalidRequestException for NaN, infinity and absolute values above 1000000, whose sinusoid no
        ///     network knows
        public Input {
            if (!(Math.abs(scale) <= MAX_SCALE)) {
                throw new InvalidRequestException("scale", "must be a number from -1000000 to 1000000, found " + scale);
            }
        }
    }

    public ValueTemplate {
        files = List.copyOf(files);
    }

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Network(layout);
    }

    @Override
    public Weights weights() {
        return Weights.files(files.toArray(String[]::new));
    }

    /// One number becomes keys and values.
    public static final class Network extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        public Network(ValueLayout layout) {
            keyValues = module("", new ValueKeyValues(layout));
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));
        }
    }
}
