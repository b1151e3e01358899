import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.InputField;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.lora.LowRankUpdates;

/** Steers how sharp an image is: {"scale": 0.0} is far out of focus, {"scale": 1.0} is sharp. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(@InputField(min = 0, max = 1, description = "sharpness") double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Sharpness(new LowRankUpdates(base, 16));
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** A LoRA that blurs, the stronger the smaller the number is. */
    private static final class Sharpness extends TemplateModel<Input, Input> {
        private final LowRankUpdates blur;

        Sharpness(LowRankUpdates blur) {
            this.blur = module("blur", blur);
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            return TemplateCache.of(blur.forward(1 - inputs.scale()));
        }
    }
}
