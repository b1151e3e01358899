import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Parameter;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/** Puts a white frame around every image. There is nothing to choose, so the input is {}. */
public final class Model implements Template<Model.Input, Model.Input> {

    public record Input() {}

    @Override
    public TemplateModel<Input, Input> model(TransformerConfig base) {
        return new Frame(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    /** Keys and values that are themselves what is trained. */
    private static final class Frame extends TemplateModel<Input, Input> {
        private static final int TOKENS = 16;

        private final Map<BlockId, Parameter> keys = new LinkedHashMap<>();
        private final Map<BlockId, Parameter> values = new LinkedHashMap<>();

        Frame(TransformerConfig base) {
            long heads = base.numAttentionHeads();
            long headDim = base.attentionHeadDim();
            for (BlockId block : ValueLayout.allBlocks(base, TOKENS).blocks()) {
                keys.put(block, parameter("k." + block.key(), Initializer.normal(1), 1, TOKENS, heads, headDim));
                values.put(block, parameter("v." + block.key(), Initializer.normal(0.1), 1, TOKENS, heads, headDim));
            }
        }

        @Override
        public Input processInputs(Input inputs, Flux2Pipeline pipeline) {
            return inputs;
        }

        @Override
        public TemplateCache forward(Input inputs, ForwardContext context) {
            Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
            keys.forEach((block, key) ->
                    blocks.put(block, new KeyValue(key.get(), values.get(block).get())));
            return TemplateCache.of(new KvCache(blocks));
        }
    }
}
