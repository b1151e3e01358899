package io.stencil.bench;

import io.stencil.autograd.Checkpointing;
import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.Flux2Transformer;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.TextTokens;
import io.stencil.flux2.transformer.TokenIds;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.flux2.transformer.TransformerInput;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.TorchGenerator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// FLUX.2-klein-4B cut to one double and two single blocks, with random weights: 512 text and 256 image tokens, and a
/// cache of 512 keys and values in every block.
final class KleinPass implements AutoCloseable {

    private static final TransformerConfig FULL = TransformerConfig.klein4b();
    private static final int SIDE = 16;
    private static final int TEXT = 512;
    private static final int CACHED = 512;

    private final Flux2Transformer transformer;
    private final DType dtype;

    KleinPass(Precision precision) {
        this.dtype = precision.compute();
        this.transformer = new Flux2Transformer(shortened());
        try (TorchGenerator generator = new TorchGenerator(0)) {
            transformer.initialize(precision.resting(), Device.CPU, generator);
        }
        transformer.trainOnly(Set.of());
    }

    private static TransformerConfig shortened() {
        return new TransformerConfig(
                FULL.inChannels(),
                1,
                2,
                FULL.attentionHeadDim(),
                FULL.numAttentionHeads(),
                FULL.jointAttentionDim(),
                FULL.timestepGuidanceChannels(),
                FULL.mlpRatio(),
                FULL.axesDimsRope(),
                FULL.ropeTheta(),
                FULL.eps(),
                FULL.guidanceEmbeds());
    }

    /// Keys and values of every block, trainable when asked.
    KvCache cache(boolean trainable) {
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        try (TorchGenerator generator = new TorchGenerator(1)) {
            for (BlockId block :
                    List.of(new BlockId.DoubleStream(0), new BlockId.SingleStream(0), new BlockId.SingleStream(1))) {
                blocks.put(block, new KeyValue(random(generator, trainable), random(generator, trainable)));
            }
        }
        return new KvCache(blocks);
    }

    private Tensor random(TorchGenerator generator, boolean trainable) {
        Tensor tensor = generator.randn(dtype, 1, CACHED, FULL.numAttentionHeads(), FULL.attentionHeadDim());
        tensor.requires_grad_(trainable);
        return tensor;
    }

    Tensor predict(KvCache cache, Checkpointing checkpointing) {
        try (TorchGenerator generator = new TorchGenerator(2)) {
            ImageTokens image = new ImageTokens(
                    generator.randn(dtype, 1, SIDE * SIDE, FULL.inChannels()), TokenIds.image(SIDE, SIDE));
            TextTokens text = TextTokens.of(generator.randn(dtype, 1, TEXT, FULL.jointAttentionDim()));
            TransformerInput input = TransformerInput.of(image, text, 500).withKvCache(cache);
            return transformer.forward(input, checkpointing);
        }
    }

    @Override
    public void close() {
        transformer.close();
    }
}
