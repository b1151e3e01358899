package io.stencil.template.lora;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.transformer.TransformerConfig;
import io.stencil.nn.Initializer;
import io.stencil.nn.Lora;
import io.stencil.nn.LoraPair;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.Ops;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// One trainable low-rank update (Hu et al. 2021, arXiv:2106.09685) for each layer through which images pass in the
/// attention of every block: the projections of the image stream in double-stream blocks, both layers of single-stream
/// ones.
///
/// Tensors are named as in a LoRA file, `LAYER.lora_A.weight` and `LAYER.lora_B.weight`. At the start, B being zero,
/// nothing is updated.
public final class LowRankUpdates extends Module {

    private static final List<String> DOUBLE_LAYERS = List.of("to_q", "to_k", "to_v", "to_out.0");

    private final int rank;
    private final List<Layer> layers = new ArrayList<>();

    private record Layer(String name, Parameter a, Parameter b) {}

    public LowRankUpdates(TransformerConfig base, int rank) {
        if (rank < 1) {
            throw new InvalidRequestException("rank", "rank must be at least 1, found " + rank);
        }
        this.rank = rank;
        long dim = base.dim();
        long mlp = base.mlpDim();
        for (int i = 0; i < base.numLayers(); i++) {
            for (String layer : DOUBLE_LAYERS) {
                add("transformer_blocks.%s.attn.%s".formatted(i, layer), dim, dim);
            }
        }
        for (int i = 0; i < base.numSingleLayers(); i++) {
            String attention = "single_transformer_blocks.%s.attn.".formatted(i);
            add(attention + "to_qkv_mlp_proj", dim, 3 * dim + 2 * mlp);
            add(attention + "to_out", dim + mlp, dim);
        }
    }

    private void add(String layer, long in, long out) {
        layers.add(new Layer(
                layer,
                parameter(layer + ".lora_A.weight", Initializer.uniformFanIn(in), rank, in),
                parameter(layer + ".lora_B.weight", Initializer.ZEROS, out, rank)));
    }

    /// Numbers that [#forward(Tensor)] takes.
    public int strengthCount() {
        return layers.size() * rank;
    }

    /// All updates at one strength.
    public Lora forward(double strength) {
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        for (Layer layer : layers) {
            pairs.put(
                    layer.name(),
                    new LoraPair(Ops.mul(layer.a().get(), strength), layer.b().get()));
        }
        return new Lora(pairs);
    }

    /// Every rank of every layer at a strength of its own, through which gradients flow: what a network that looks at
    /// an input may set (Ha et al. 2016, arXiv:1609.09106).
    ///
    /// @param strengths `[strengthCount]`
    public Lora forward(Tensor strengths) {
        Tensor rows = strengths.view(layers.size(), rank, 1);
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        for (int i = 0; i < layers.size(); i++) {
            Layer layer = layers.get(i);
            pairs.put(
                    layer.name(),
                    new LoraPair(
                            layer.a().get().mul(rows.select(0, i)), layer.b().get()));
        }
        return new Lora(pairs);
    }
}
