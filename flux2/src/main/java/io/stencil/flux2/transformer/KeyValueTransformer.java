package io.stencil.flux2.transformer;

import io.stencil.autograd.Checkpointing;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// A small FLUX.2 transformer of which the keys and values are wanted: those that its blocks make of the image tokens,
/// normalised and turned to the tokens' places, ready to be appended to the attention of a larger one.
///
/// Its blocks are like blocks of that larger transformer, and can begin with their weights:
/// ```java
/// KeyValueTransformer small = new KeyValueTransformer(base.config(), BlockSpread.over(base.config(), 1, 2), 0);
/// small.copyFrom(base);
/// KvCache cache = small.forward(TransformerInput.of(image, text, 0), Checkpointing.OFF);
/// ```
/// The tensors bear the names of a FLUX.2 checkpoint, without those of the output.
public final class KeyValueTransformer extends Module {

    private final TransformerConfig config;
    private final BlockSpread spread;
    private final int extraChannels;
    private final TransformerBody body;

    /// @param base configuration of the larger transformer
    /// @param spread which of its blocks these stand for
    /// @param extraChannels of an image token, behind those that the larger transformer has
    public KeyValueTransformer(TransformerConfig base, BlockSpread spread, int extraChannels) {
        this.config = base.with(
                base.inChannels() + extraChannels,
                spread.doubleBlocks().size(),
                spread.singleBlocks().size());
        this.spread = spread;
        this.extraChannels = extraChannels;
        this.body = module("", new TransformerBody(config));
    }

    /// Its own configuration: fewer blocks, and the extra channels.
    public TransformerConfig config() {
        return config;
    }

    /// Puts the weights of the blocks that these stand for, and of all that is around them, in place of its own. What
    /// the larger transformer does not have, the extra channels, begins at zero.
    ///
    /// @param base stays the caller's
    public void copyFrom(Flux2Transformer base) {
        Map<String, Parameter> theirs = base.state();
        try (OpenPass _ = base.openPass()) {
            state().forEach((name, own) ->
                    copy(Objects.requireNonNull(theirs.get(spread.nameInBase(name))), own, name));
        }
    }

    private void copy(Parameter origin, Parameter own, String name) {
        try (Scope _ = new Scope()) {
            Tensor copy =
                    own.device().place(origin.in(own.dtype()), own.dtype()).detach();
            own.set(name.equals("x_embedder.weight") ? withExtraChannels(copy) : copy.clone());
        } finally {
            origin.evict();
        }
    }

    private Tensor withExtraChannels(Tensor weight) {
        Tensor nothing = Tensors.zeros(DType.of(weight), Device.of(weight), weight.size(0), extraChannels);
        return Ops.cat(1, weight, nothing);
    }

    /// Keys and values of the image tokens, for the blocks that this transformer's own ones stand for.
    ///
    /// @param input without references and cache
    /// @param checkpointing how the blocks run; a tape must stay open until its backward pass is over
    /// @return k and v `[B, Si, H, Dh]`, in the dtype of the latents, owned by the caller's scope, which must exist
    public KvCache forward(TransformerInput input, Checkpointing checkpointing) {
        try (OpenPass _ = openPass();
                Scope scope = new Scope()) {
            DType dtype = DType.of(input.image().latents());
            Tensor embedding = body.embedTime(input, dtype);
            RotaryTable rope =
                    RotaryTable.of(input.ids(), config, Device.of(input.image().latents()));
            Collector collector = new Collector(input);
            List<Tensor> streams = body.embedTokens(input);
            List<Tensor> modulations = body.doubleModulations(embedding);
            for (int i = 0; i < config.numLayers(); i++) {
                BlockInput in = new BlockInput(streams, modulations, rope, null);
                streams = collector.take(
                        spread.doubleBlocks().get(i),
                        checkpointing.run(body.doubleBlocks().get(i).segmentWithKeyValues(), in.flatten()));
            }
            streams = List.of(Ops.cat(1, streams)); // [B, St + Si, D]
            modulations = body.singleModulations(embedding);
            for (int i = 0; i < config.numSingleLayers(); i++) {
                BlockInput in = new BlockInput(streams, modulations, rope, null);
                streams = collector.take(
                        spread.singleBlocks().get(i),
                        checkpointing.run(body.singleBlocks().get(i).segmentWithKeyValues(), in.flatten()));
            }
            return collector.cache(scope);
        }
    }

    /// The image tokens' part of what the blocks give.
    private static final class Collector {
        private final Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        private final long textCount;
        private final long imageCount;

        Collector(TransformerInput input) {
            textCount = input.text().embeds().size(1);
            imageCount = input.image().latents().size(1);
        }

        /// @return the streams
        List<Tensor> take(BlockId block, List<Tensor> outputs) {
            int streams = outputs.size() - 2;
            blocks.put(block, new KeyValue(image(outputs.get(streams)), image(outputs.get(streams + 1))));
            return new ArrayList<>(outputs.subList(0, streams));
        }

        private Tensor image(Tensor tokens) {
            return tokens.narrow(1, textCount, imageCount);
        }

        KvCache cache(Scope scope) {
            blocks.replaceAll((_, own) -> new KeyValue(scope.keep(own.k()), scope.keep(own.v())));
            return new KvCache(blocks);
        }
    }
}
