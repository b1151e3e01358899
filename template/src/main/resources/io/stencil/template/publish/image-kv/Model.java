import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.nn.Linear;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.ForwardContext;
import io.stencil.template.Template;
import io.stencil.template.TemplateCache;
import io.stencil.template.TemplateModel;
import io.stencil.template.Weights;
import io.stencil.template.value.ValueLayout;
import io.stencil.tensor.Ops;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Steers by a reference image: the VAE's view of it becomes keys and values for every block. */
public final class Model implements Template<Model.Input, Model.Encoded> {

    /** Its sides must be multiples of 16; a small image is enough, as every 16 x 16 pixels become one token. */
    public record Input(RgbImage image) {}

    /** Latents [1, 128, H/16, W/16]. */
    public record Encoded(Tensor latents) {}

    @Override
    public TemplateModel<Input, Encoded> model(TransformerConfig base) {
        return new ImageKeyValues(base);
    }

    /** Random until it is trained; then put the checkpoint here as model.safetensors. */
    @Override
    public Weights weights() {
        return Weights.fileOrRandom("model.safetensors", 0);
    }

    private static final class ImageKeyValues extends TemplateModel<Input, Encoded> {
        private static final int CHANNELS = 128;

        private final int heads;
        private final int headDim;
        private final Linear trunk;
        private final Map<BlockId, Linear> keys = new LinkedHashMap<>();
        private final Map<BlockId, Linear> values = new LinkedHashMap<>();

        ImageKeyValues(TransformerConfig base) {
            heads = base.numAttentionHeads();
            headDim = base.attentionHeadDim();
            trunk = module("trunk", new Linear(CHANNELS, base.dim(), true));
            for (BlockId block : ValueLayout.allBlocks(base, 1).blocks()) {
                keys.put(block, module("proj_k." + block.key(), new Linear(base.dim(), base.dim(), true)));
                values.put(block, module("proj_v." + block.key(), new Linear(base.dim(), base.dim(), true)));
            }
        }

        @Override
        public Encoded processInputs(Input inputs, Flux2Pipeline pipeline) {
            return new Encoded(pipeline.models().encode(inputs.image()));
        }

        @Override
        public TemplateCache forward(Encoded processed, ForwardContext context) {
            Tensor tokens = processed.latents().flatten(2, 3).transpose(1, 2); // [1, L, 128]
            Tensor features = Ops.silu(trunk.forward(context.dtype().cast(tokens))); // [1, L, D]
            long length = features.size(1);
            Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
            keys.forEach((block, key) -> blocks.put(
                    block,
                    new KeyValue(
                            key.forward(features).view(1, length, heads, headDim),
                            values.get(block).forward(features).view(1, length, heads, headDim))));
            return TemplateCache.of(new KvCache(blocks));
        }
    }
}
