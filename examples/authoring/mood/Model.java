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
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/** A word for the mood of an image, beside its prompt: {"text": "dim"}. */
public final class Model implements Template<Model.Input, Model.Encoded> {

    public record Input(String text) {}

    /** Embeddings of the text's tokens, [1, S, joint]. */
    public record Encoded(Tensor words) {}

    @Override
    public TemplateModel<Input, Encoded> model(TransformerConfig base) {
        return new Mood(base.jointAttentionDim());
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** Two layers change the embeddings, which the transformer then reads behind those of the prompt. */
    private static final class Mood extends TemplateModel<Input, Encoded> {
        private static final int HIDDEN = 64;

        private final Linear first;
        private final Parameter last;

        Mood(int joint) {
            first = module("first", new Linear(joint, HIDDEN, true));
            last = parameter("last", Initializer.ZEROS, joint, HIDDEN); // begins as the embeddings themselves
        }

        /** Runs without gradients, and in two stages of training once for each row. */
        @Override
        public Encoded processInputs(Input inputs, Flux2Pipeline pipeline) {
            return new Encoded(pipeline.models().encodePrompt(inputs.text()));
        }

        @Override
        public TemplateCache forward(Encoded inputs, ForwardContext context) {
            try (Scope scope = new Scope()) {
                Tensor words = context.device().place(inputs.words(), context.dtype());
                Tensor hidden = Ops.silu(first.forward(words)); // [1, S, HIDDEN]
                Tensor change = Ops.linear(hidden, context.dtype().cast(last.get()), null); // [1, S, joint]
                return TemplateCache.of(scope.keep(words.add(change)));
            }
        }
    }
}
