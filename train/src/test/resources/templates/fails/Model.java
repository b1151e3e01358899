import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;

/** Keys and values of one number; the number that a system property names makes it fail. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Fragile(ValueKeyValues.forBase(base, 4));
    }

    @Override
    public Weights weights() {
        return Weights.random(3);
    }

    private static void failAt(double scale, String property) {
        if (String.valueOf(scale).equals(System.getProperty(property))) {
            throw new IllegalArgumentException("no such scale " + scale);
        }
    }

    private static final class Fragile extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        Fragile(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            failAt(inputs.scale(), "stencil.test.process_fails_at");
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            failAt(inputs.scale(), "stencil.test.forward_fails_at");
            return TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));
        }
    }
}
