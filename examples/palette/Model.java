import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.nn.Linear;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.lora.LowRankUpdates;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/** Takes the colour of the light from a reference image: a network that looks at it sets the strengths of a LoRA. */
public final class Model implements Template<Model.Input, Model.Encoded> {

    public record Input(RgbImage image) {}

    /** Latents [1, 128, H/16, W/16]. */
    public record Encoded(Tensor latents) {}

    @Override
    public TemplateModel<Input, Encoded> model(TransformerConfig base) {
        return new Palette(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class Palette extends TemplateModel<Input, Encoded> {
        private static final int RANK = 8;
        private static final int HIDDEN = 128;

        private final LowRankUpdates updates;
        private final Linear look;
        private final Linear decide;

        Palette(TransformerConfig base) {
            updates = module("lora", new LowRankUpdates(base, RANK));
            look = module("look", new Linear(base.inChannels(), HIDDEN, true));
            decide = module("decide", new Linear(HIDDEN, updates.strengthCount(), true));
        }

        @Override
        public Encoded processInputs(Input inputs, Flux2Pipeline pipeline) {
            return new Encoded(pipeline.models().encode(inputs.image()));
        }

        @Override
        public TemplateCache forward(Encoded reference, ForwardContext context) {
            Tensor tokens = reference.latents().flatten(2, 3).transpose(1, 2); // [1, S, 128]
            Tensor seen = Ops.silu(look.forward(context.dtype().cast(tokens))).mean(1); // [1, HIDDEN]
            return TemplateCache.of(updates.forward(decide.forward(seen).squeeze(0)));
        }
    }
}
