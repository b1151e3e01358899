package io.stencil.template.value;

import io.stencil.flux2.transformer.BlockId;
import io.stencil.flux2.transformer.KeyValue;
import io.stencil.flux2.transformer.KvCache;
import io.stencil.flux2.transformer.Sinusoid;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// Turns one number into keys and values for blocks of the transformer: two small networks a block, `proj_k.BLOCK` and
/// `proj_v.BLOCK`.
///
/// Names and arithmetic are those of the published Templates Brightness, Sharpness and Age, so their weights load here.
public final class ValueKeyValues extends Module {

    private final ValueLayout layout;
    private final List<Projections> projections = new ArrayList<>();

    private record Projections(BlockId block, ValueProjection key, ValueProjection value) {}

    public ValueKeyValues(ValueLayout layout) {
        this.layout = layout;
        for (BlockId block : layout.blocks()) {
            projections.add(new Projections(
                    block,
                    module("proj_k." + block.key(), new ValueProjection(layout.dim(), layout.length())),
                    module("proj_v." + block.key(), new ValueProjection(layout.dim(), layout.length()))));
        }
    }

    /// Networks for every block of `base`, each giving `length` tokens; published Templates have 512.
    public static ValueKeyValues forBase(TransformerConfig base, int length) {
        return new ValueKeyValues(ValueLayout.allBlocks(base, length));
    }

    /// @param value usually 0..1
    /// @return k and v `[1, length, heads, headDim]` for each block, owned by the caller's scope
    public KvCache forward(double value, DType dtype, Device device) {
        Map<BlockId, KeyValue> blocks = new LinkedHashMap<>();
        for (Projections one : projections) {
            blocks.put(
                    one.block(),
                    new KeyValue(
                            heads(one.key().forward(value, dtype, device)),
                            heads(one.value().forward(value, dtype, device))));
        }
        return new KvCache(blocks);
    }

    private Tensor heads(Tensor tokens) {
        return tokens.reshape(1, layout.length(), layout.heads(), layout.headDim());
    }

    /// One number as `length` tokens: sinusoid of 1000 times the value, two linear layers, and a learnt vector a token.
    private static final class ValueProjection extends Module {

        private static final int CHANNELS = 256;
        private static final double SCALE = 1000;

        private final Linear first;
        private final Linear second;
        private final Parameter positions;

        ValueProjection(int dim, int length) {
            first = module("prefer_value_embedder.0", new Linear(CHANNELS, dim, true));
            second = module("prefer_value_embedder.2", new Linear(dim, dim, true));
            positions = parameter("positional_embedding", Initializer.normal(0.02), length, dim);
        }

        /// @return `[length, D]`
        Tensor forward(double value, DType dtype, Device device) {
            Tensor scaled = Tensors.full(value * SCALE, DType.FLOAT32, device, 1);
            Tensor waves = dtype.cast(Sinusoid.of(scaled, CHANNELS));
            Tensor embedded = second.forward(Ops.silu(first.forward(waves))); // [1, D], the same for every token
            return embedded.add(dtype.cast(positions.get()));
        }
    }
}
