import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/** Keys and values of one number, whose gradient is broken where a system property names that number. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Broken(ValueKeyValues.forBase(base, 4));
    }

    @Override
    public Weights weights() {
        return Weights.random(3);
    }

    private static final class Broken extends TemplateModel<Input, Input> {
        private final ValueKeyValues keyValues;

        Broken(ValueKeyValues keyValues) {
            this.keyValues = module("", keyValues);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            TemplateCache cache =
                    TemplateCache.of(keyValues.forward(inputs.scale(), context.dtype(), context.device()));
            return String.valueOf(inputs.scale()).equals(System.getProperty("stencil.test.breaks_at"))
                    ? cache.map(Broken::broken)
                    : cache;
        }

        /** The same values; the gradient is NaN, or larger than float32 holds squares of. */
        private static Tensor broken(Tensor tensor) {
            double factor = Double.parseDouble(System.getProperty("stencil.test.factor", "NaN"));
            if (Double.isNaN(factor)) {
                return tensor.add(tensor.sub(tensor).abs().sqrt());
            }
            return tensor.add(Ops.mul(tensor.sub(tensor.detach()), factor));
        }
    }
}
