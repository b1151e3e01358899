import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;

/** Steers an image by one number, such as {"scale": 0.8}. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Network(ValueKeyValues.forBase(base, 64));
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** One number becomes 64 keys and values for every block of the transformer. */
    private static final class Network extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        Network(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
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
