import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Linear;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/** Appends words of its own to the prompt's embeddings; the input says how strongly they speak: {"scale": 0.8}. */
public final class Model implements Template<Model.Input, Model.Input> {

    private static final int WORDS = 16;

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Words(base.dim(), base.jointAttentionDim());
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class Words extends TemplateModel<Input, Input> {
        private final Parameter seeds;
        private final Linear first;
        private final Linear last;

        Words(int dim, int joint) {
            seeds = parameter("seeds", Initializer.normal(1), 1, WORDS, dim);
            first = module("first", new Linear(dim, dim, true));
            last = module("last", new Linear(dim, joint, true));
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            Tensor start = context.dtype().cast(Ops.mul(seeds.get(), inputs.scale())); // [1, WORDS, D]
            return TemplateCache.of(last.forward(Ops.silu(first.forward(start)))); // [1, WORDS, joint]
        }
    }
}
