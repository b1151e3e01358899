import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.InputField;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;

/** Steers how many dots an image has at its bottom: {"n": 3}. A number that counts is as good as one that measures. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(@InputField(min = 1, max = 5, description = "number of dots") int n) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Count(ValueKeyValues.forBase(base, 64));
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** One to five, brought to the range in which networks of one number work best. */
    private static final class Count extends TemplateModel<Input, Input> {
        private static final double MOST = 5;

        private final ValueKeyValues keyValues;

        Count(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            return TemplateCache.of(keyValues.forward(inputs.n() / MOST, context.dtype(), context.device()));
        }
    }
}
