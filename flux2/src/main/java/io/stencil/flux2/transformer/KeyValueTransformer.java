package io.stencil.flux2.transformer;

import io.stencil.autograd.Checkpointing;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.CancellationToken;
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
import java.util.stream.IntStream;
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
                CancellationToken.check();
                BlockInput in = new BlockInput(streams, modulations, rope, null);
                streams = collector.take(
                        spread.doubleBlocks().get(i),
                        checkpointing.run(body.doubleBlocks().get(i).segment(true), in.flatten()));
            }
            streams = List.of(Ops.cat(1, streams)); // [B, St + Si, D]
            modulations = body.singleModulations(embedding);
            for (int i = 0; i < config.numSingleLayers(); i++) {
                CancellationToken.check();
                BlockInput in = new BlockInput(streams, modulations, rope, null);
                streams = collector.take(
                        spread.singleBlocks().get(i),
                        checkpointing.run(body.singleBlocks().get(i).segment(true), in.flatten()));
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

    /// Which blocks of a transformer those of a smaller one stand for, in their order.
    public record BlockSpread(List<BlockId.DoubleStream> doubleBlocks, List<BlockId.SingleStream> singleBlocks) {

        private static final String DOUBLE_PREFIX = "transformer_blocks.";
        private static final String SINGLE_PREFIX = "single_transformer_blocks.";

        public BlockSpread {
            doubleBlocks = List.copyOf(doubleBlocks);
            singleBlocks = List.copyOf(singleBlocks);
        }

        /// Blocks at equal distances, from the first one on.
        ///
        /// @throws InvalidRequestException when the transformer has not that many blocks, or both counts are 0
        public static BlockSpread over(TransformerConfig base, int doubleBlocks, int singleBlocks) {
            if (doubleBlocks < 0 || singleBlocks < 0 || doubleBlocks + singleBlocks == 0) {
                throw new InvalidRequestException(
                        "blocks",
                        "a small transformer needs a block, found %s double and %s single ones"
                                .formatted(doubleBlocks, singleBlocks));
            }
            if (doubleBlocks > base.numLayers() || singleBlocks > base.numSingleLayers()) {
                throw new InvalidRequestException(
                        "blocks",
                        "the base has %s double and %s single blocks, %s and %s are requested"
                                .formatted(base.numLayers(), base.numSingleLayers(), doubleBlocks, singleBlocks));
            }
            return new BlockSpread(
                    IntStream.range(0, doubleBlocks)
                            .map(i -> i * base.numLayers() / doubleBlocks)
                            .mapToObj(BlockId.DoubleStream::new)
                            .toList(),
                    IntStream.range(0, singleBlocks)
                            .map(i -> i * base.numSingleLayers() / singleBlocks)
                            .mapToObj(BlockId.SingleStream::new)
                            .toList());
        }

        /// The name that a tensor of the smaller transformer has in the larger one.
        String nameInBase(String name) {
            if (name.startsWith(DOUBLE_PREFIX)) {
                return renumbered(
                        name,
                        DOUBLE_PREFIX,
                        doubleBlocks.stream().map(BlockId.DoubleStream::index).toList());
            }
            if (name.startsWith(SINGLE_PREFIX)) {
                return renumbered(
                        name,
                        SINGLE_PREFIX,
                        singleBlocks.stream().map(BlockId.SingleStream::index).toList());
            }
            return name;
        }

        private static String renumbered(String name, String prefix, List<Integer> inBase) {
            String[] numberAndRest = name.substring(prefix.length()).split("\\.", 2);
            return prefix + inBase.get(Integer.parseInt(numberAndRest[0])) + "." + numberAndRest[1];
        }
    }
}
