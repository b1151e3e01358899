import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.Tensors;
import java.util.Optional;

/** Text tokens of one value each, and the guidance where it is asked for. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double word, int length, Optional<Double> guidance) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Words(base.jointAttentionDim());
    }

    @Override
    public Weights weights() {
        return Weights.random(0);
    }

    private static final class Words extends TemplateModel<Input, Input> {
        private final int dim;

        Words(int dim) {
            this.dim = dim;
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            TemplateCache cache = TemplateCache.of(
                    Tensors.full(inputs.word(), context.dtype(), context.device(), 1, inputs.length(), dim));
            return inputs.guidance()
                    .map(guidance -> cache.withSettings(new PipelineSetting.EmbeddedGuidance(guidance)))
                    .orElse(cache);
        }
    }
}
