package io.stencil.flux2.transformer;

import io.stencil.nn.WeightLoader;
import io.stencil.safetensors.Checkpoint;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.Golden;
import io.stencil.testing.TestFiles;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// The tiny transformer of the goldens, and their inputs.
final class TinyTransformer {

    static final String GOLDEN = "dit_io.safetensors";

    private TinyTransformer() {}

    static TransformerConfig config() {
        return TransformerConfig.read(TestFiles.tinyModel("transformer/config.json"));
    }

    static Flux2Transformer load(DType dtype) {
        Flux2Transformer transformer = new Flux2Transformer(config());
        new WeightLoader(dtype, Device.CPU).load(transformer, Checkpoint.open(TestFiles.tinyModel("transformer")));
        return transformer;
    }

    /// The plain input of the golden, in `dtype`.
    static TransformerInput input(Golden golden, DType dtype) {
        return new TransformerInput(
                new ImageTokens(dtype.cast(golden.tensor("latents")), golden.tensor("image_ids")),
                List.of(),
                new TextTokens(dtype.cast(golden.tensor("prompt_embeds")), golden.tensor("text_ids")),
                golden.tensor("timestep"),
                4.0,
                KvCache.empty());
    }

    /// All blocks of the tiny transformer, in order.
    static List<BlockId> blocks() {
        List<BlockId> blocks = new ArrayList<>();
        TransformerConfig config = config();
        for (int i = 0; i < config.numLayers(); i++) {
            blocks.add(new BlockId.DoubleStream(i));
        }
        for (int i = 0; i < config.numSingleLayers(); i++) {
            blocks.add(new BlockId.SingleStream(i));
        }
        return blocks;
    }

    /// The cache of the golden.
    static KvCache cache(Golden golden) {
        Map<BlockId, KeyValue> cached = new LinkedHashMap<>();
        for (BlockId block : blocks()) {
            Tensor k = golden.tensor("kv." + block.key() + ".k");
            cached.put(block, new KeyValue(k, golden.tensor("kv." + block.key() + ".v")));
        }
        return new KvCache(cached);
    }
}
