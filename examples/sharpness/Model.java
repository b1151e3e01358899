import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.template.Template;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueLayout;
import io.stencil.template.value.ValueTemplate;

/** Steers how sharp an image is: {"scale": 0.0} is far out of focus, {"scale": 1.0} is sharp. */
public final class Model implements Template<ValueTemplate.Input, ValueTemplate.Input> {

    /** One number becomes 8 keys and values for every block of the transformer. */
    @Override
    public TemplateModel<ValueTemplate.Input, ValueTemplate.Input> model(TransformerConfig base) {
        return new ValueTemplate.Network(ValueLayout.allBlocks(base, 8));
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }
}
