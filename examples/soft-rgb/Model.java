import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.InputField;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueKeyValues;
import java.util.List;

/** Steers how bright each channel of an image is: {"R": 0.9, "G": 0.4, "B": 0.2} is warm. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(
            @InputField(description = "red, 0 is dark and 1 is bright") double R,
            @InputField(description = "green, 0 is dark and 1 is bright") double G,
            @InputField(description = "blue, 0 is dark and 1 is bright") double B) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new SoftRgb(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** Each of the three numbers becomes keys and values of its own, which stand side by side in the cache. */
    private static final class SoftRgb extends TemplateModel<Input, Input> {
        private static final int TOKENS = 16;

        private final ValueKeyValues red;
        private final ValueKeyValues green;
        private final ValueKeyValues blue;

        SoftRgb(TransformerConfig base) {
            red = module("red", ValueKeyValues.forBase(base, TOKENS));
            green = module("green", ValueKeyValues.forBase(base, TOKENS));
            blue = module("blue", ValueKeyValues.forBase(base, TOKENS));
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            return TemplateCache.of(KvCache.merge(List.of(
                    red.forward(inputs.R(), context.dtype(), context.device()),
                    green.forward(inputs.G(), context.dtype(), context.device()),
                    blue.forward(inputs.B(), context.dtype(), context.device()))));
        }
    }
}
