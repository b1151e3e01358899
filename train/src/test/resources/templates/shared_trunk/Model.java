import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Linear;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.PipelineSetting;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.tensor.Ops;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Keys and values, LoRAs of two blocks and a text embedding, all from one trunk: every way to steer at once. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input(double scale) {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Trunk(base.numAttentionHeads(), base.attentionHeadDim(), base.jointAttentionDim());
    }

    @Override
    public Weights weights() {
        return Weights.random(3);
    }

    private static final class Trunk extends TemplateModel<Input, Input> {
        private final int heads;
        private final int headDim;
        private final Parameter seeds;
        private final Linear first;
        private final Linear last;
        private final Linear text;
        private final Parameter unused = parameter("unused", Initializer.normal(1), 4);

        Trunk(int heads, int headDim, int joint) {
            int dim = heads * headDim;
            this.heads = heads;
            this.headDim = headDim;
            seeds = parameter("seeds", Initializer.normal(1), 1, 4, dim);
            first = module("first", new Linear(dim, dim, true));
            last = module("last", new Linear(dim, dim, true));
            text = module("text", new Linear(dim, joint, true));
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            Tensor start = context.dtype().cast(Ops.mul(seeds.get(), inputs.scale()));
            Tensor trunk = context.checkpointing()
                    .run(in -> List.of(Ops.silu(last.forward(Ops.silu(first.forward(in.getFirst()))))), List.of(start))
                    .getFirst(); // [1, 4, D]
            Tensor tokens = trunk.view(1, 4, heads, headDim);
            Tensor rows = trunk.squeeze(0); // [4, D]
            KeyValue pair = new KeyValue(tokens, tokens.neg());
            LoraPair lora = new LoraPair(rows, Ops.mul(rows.transpose(0, 1), 0.1));
            KvCache cache = new KvCache(Map.of(BlockId.parse("double_0"), pair, BlockId.parse("single_2"), pair));
            Lora loras = new Lora(
                    Map.of("transformer_blocks.1.attn.to_q", lora, "single_transformer_blocks.1.attn.to_out", outLora(rows)));
            return new TemplateCache(
                    cache,
                    loras,
                    text.forward(trunk),
                    List.of(
                            new PipelineSetting.EmbeddedGuidance(1),
                            new PipelineSetting.DenoisingStrength(0.5)));
        }

        private static LoraPair outLora(Tensor rows) {
            return new LoraPair(Ops.cat(1, rows, rows, rows, rows), Ops.mul(rows.transpose(0, 1), 0.1));
        }
    }
}
