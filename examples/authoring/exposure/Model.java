import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.image.RgbImage;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
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

/** Makes an image as bright as a reference: {"image": "reference.png"}. */
public final class Model implements Template<Model.Input, Model.Encoded> {

    private static final int FEATURES = 128;

    public record Input(RgbImage image) {}

    /** Latents [1, 128, H/16, W/16]. */
    public record Encoded(Tensor latents) {}

    @Override
    public TemplateModel<Input, Encoded> model(TransformerConfig base) {
        return new Exposure(base);
    }

    /** The encoder was trained elsewhere and stays as it is; the head is random until it is trained. */
    @Override
    public Weights weights() {
        return Weights.parts(
                Weights.file("encoder.safetensors").inModule("encoder"),
                Weights.fileOrRandom("head.safetensors", 0).inModule("head"));
    }

    private static final class Exposure extends TemplateModel<Input, Encoded> {
        private final Linear encoder;
        private final Head head;

        Exposure(TransformerConfig base) {
            encoder = module("encoder", new Linear(base.inChannels(), FEATURES, true));
            head = module("head", new Head(base));
        }

        @Override
        public Encoded processInputs(Input inputs, Flux2Pipeline pipeline) {
            return new Encoded(pipeline.models().encode(inputs.image()));
        }

        @Override
        public TemplateCache forward(Encoded inputs, ForwardContext context) {
            Tensor tokens = inputs.latents().flatten(2, 3).transpose(1, 2); // [1, L, 128]
            Tensor features = Ops.silu(encoder.forward(context.dtype().cast(tokens))).mean(1); // [1, FEATURES]
            return TemplateCache.of(head.forward(features));
        }
    }

    /** Features become keys and values of two tokens for every block. */
    private static final class Head extends Module {
        private static final int TOKENS = 2;

        private final long heads;
        private final long headDim;
        private final Map<BlockId, Linear> keys = new LinkedHashMap<>();
        private final Map<BlockId, Linear> values = new LinkedHashMap<>();

        Head(TransformerConfig base) {
            heads = base.numAttentionHeads();
            headDim = base.attentionHeadDim();
            for (BlockId block : ValueLayout.allBlocks(base, TOKENS).blocks()) {
                keys.put(block, module("k." + block.key(), new Linear(FEATURES, (long) TOKENS * base.dim(), true)));
                values.put(block, module("v." + block.key(), new Linear(FEATURES, (long) TOKENS * base.dim(), true)));
            }
        }

        /** @param features [1, FEATURES] */
        KvCache forward(Tensor features) {
            Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
            keys.forEach((block, key) -> blocks.put(
                    block,
                    new KeyValue(
                            key.forward(features).view(1, TOKENS, heads, headDim),
                            values.get(block).forward(features).view(1, TOKENS, heads, headDim))));
            return new KvCache(blocks);
        }
    }
}
