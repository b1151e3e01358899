package io.stencil.flux2.transformer;

import io.stencil.autograd.Checkpointing.Segment;
import io.stencil.flux2.transformer.QueryKeyValue.KeyValueTap;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.RmsNorm;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Text and image as one sequence, through attention and MLP side by side (Dehghani et al. 2023, arXiv:2302.05442).
final class SingleStreamBlock extends Module {

    private final Linear toQkvMlp;
    private final RmsNorm normQ;
    private final RmsNorm normK;
    private final Linear toOut;
    private final TransformerConfig config;

    SingleStreamBlock(TransformerConfig config) {
        long dim = config.dim();
        long mlpDim = config.mlpDim();
        toQkvMlp = module("attn.to_qkv_mlp_proj", new Linear(dim, 3 * dim + 2 * mlpDim, false));
        normQ = module("attn.norm_q", new RmsNorm(config.attentionHeadDim(), config.eps()));
        normK = module("attn.norm_k", new RmsNorm(config.attentionHeadDim(), config.eps()));
        toOut = module("attn.to_out", new Linear(dim + mlpDim, dim, false));
        this.config = config;
    }

    /// The block as a segment: a [BlockInput] with one stream, text before image, gives that stream.
    ///
    /// @param keyValues whether keys and values of all tokens follow the stream
    Segment segment(boolean keyValues) {
        return Segment.sized(inputs -> run(inputs, new KeyValueTap(keyValues)), inputs -> {
            BlockInput in = BlockInput.unflatten(inputs, 1);
            return BlockActivations.of(config, this, in).single(in);
        });
    }

    private List<Tensor> run(List<Tensor> inputs, KeyValueTap tap) {
        try (Scope scope = new Scope()) {
            BlockInput in = BlockInput.unflatten(inputs, 1);
            Modulation modulation = Modulation.of(in.modulations().getFirst(), config.eps());
            Tensor x = in.streams().getFirst(); // [B, S, D]
            Tensor projected = toQkvMlp.forward(modulation.modulate(x)); // [B, S, 3D + 2M]
            List<Tensor> parts = Ops.split(projected, -1, 3L * config.dim(), 2L * config.mlpDim());
            Tensor attended = attend(parts.get(0), in, tap); // [B, S, D]
            Tensor update = toOut.forward(Ops.cat(-1, attended, Ops.swiGluInPlace(parts.get(1))));
            return tap.behind(List.of(modulation.addGated(x, update)), scope);
        }
    }

    private Tensor attend(Tensor qkv, BlockInput in, KeyValueTap tap) {
        try (Scope scope = new Scope()) {
            List<Tensor> heads = Ops.chunk(qkv, 3, -1).stream()
                    .map(part -> part.unflatten(-1, config.numAttentionHeads(), config.attentionHeadDim()))
                    .toList(); // [B, S, H, Dh]
            QueryKeyValue own = new QueryKeyValue(
                            normQ.forward(heads.get(0)), normK.forward(heads.get(1)), heads.get(2))
                    .rotate(in.rope());
            return scope.keep(tap.take(own, scope)
                    .append(in.cached()) // k, v: [B, S + L, H, Dh]
                    .attend());
        }
    }
}
