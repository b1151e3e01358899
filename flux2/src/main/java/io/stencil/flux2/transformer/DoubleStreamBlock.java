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

/// Text and image keep their own weights and meet in one joint attention.
final class DoubleStreamBlock extends Module {

    private final Stream image;
    private final Stream text;
    private final TransformerConfig config;

    DoubleStreamBlock(TransformerConfig config) {
        image = new Stream(
                module("attn.to_q", square(config)),
                module("attn.to_k", square(config)),
                module("attn.to_v", square(config)),
                module("attn.norm_q", headNorm(config)),
                module("attn.norm_k", headNorm(config)),
                module("attn.to_out.0", square(config)),
                module("ff", new FeedForward(config)),
                config.numAttentionHeads());
        text = new Stream(
                module("attn.add_q_proj", square(config)),
                module("attn.add_k_proj", square(config)),
                module("attn.add_v_proj", square(config)),
                module("attn.norm_added_q", headNorm(config)),
                module("attn.norm_added_k", headNorm(config)),
                module("attn.to_add_out", square(config)),
                module("ff_context", new FeedForward(config)),
                config.numAttentionHeads());
        this.config = config;
    }

    private static Linear square(TransformerConfig config) {
        return new Linear(config.dim(), config.dim(), false);
    }

    private static RmsNorm headNorm(TransformerConfig config) {
        return new RmsNorm(config.attentionHeadDim(), config.eps());
    }

    /// The block as a segment: a [BlockInput] with the streams text and image gives text and image.
    ///
    /// @param keyValues whether keys and values of all tokens, text before image, follow the streams
    Segment segment(boolean keyValues) {
        return Segment.sized(inputs -> run(inputs, new KeyValueTap(keyValues)), inputs -> {
            BlockInput in = BlockInput.unflatten(inputs, 2);
            return BlockActivations.of(config, this, in).twofold(in);
        });
    }

    private List<Tensor> run(List<Tensor> inputs, KeyValueTap tap) {
        try (Scope scope = new Scope()) {
            BlockInput in = BlockInput.unflatten(inputs, 2);
            Tensor textIn = in.streams().get(0); //  [B, St, D]
            Tensor imageIn = in.streams().get(1); // [B, Si, D]
            Modulation.ForStream textModulation =
                    Modulation.ForStream.of(in.modulations().get(0), config.eps());
            Modulation.ForStream imageModulation =
                    Modulation.ForStream.of(in.modulations().get(1), config.eps());
            Tensor attended = attend(
                    textModulation.attention().modulate(textIn),
                    imageModulation.attention().modulate(imageIn),
                    in,
                    tap); // [B, St + Si, D]
            List<Tensor> parts = Ops.split(attended, 1, textIn.size(1), imageIn.size(1));
            return tap.behind(
                    List.of(
                            text.update(textIn, parts.get(0), textModulation),
                            image.update(imageIn, parts.get(1), imageModulation)),
                    scope);
        }
    }

    private Tensor attend(Tensor textIn, Tensor imageIn, BlockInput in, KeyValueTap tap) {
        try (Scope scope = new Scope()) {
            QueryKeyValue own = text.project(textIn) // q, k, v: [B, St, H, Dh]
                    .then(image.project(imageIn)) //             [B, St + Si, H, Dh]
                    .rotate(in.rope());
            return scope.keep(tap.take(own, scope)
                    .append(in.cached()) //        k, v: [B, St + Si + L, H, Dh]
                    .attend());
        }
    }

    /// What text or image has of its own in a double-stream block; the block registers the parts under their names.
    private record Stream(
            Linear toQ,
            Linear toK,
            Linear toV,
            RmsNorm normQ,
            RmsNorm normK,
            Linear toOut,
            FeedForward mlp,
            int heads) {

        /// @param x `[B, S, D]`, modulated
        QueryKeyValue project(Tensor x) {
            try (Scope scope = new Scope()) {
                return new QueryKeyValue(
                        scope.keep(normQ.forward(toHeads(toQ.forward(x)))),
                        scope.keep(normK.forward(toHeads(toK.forward(x)))),
                        scope.keep(toHeads(toV.forward(x))));
            }
        }

        /// Adds the attention's part and then the MLP's.
        ///
        /// @param x `[B, S, D]`, the stream before the block
        /// @param attended `[B, S, D]`
        Tensor update(Tensor x, Tensor attended, Modulation.ForStream modulation) {
            Tensor mixed = modulation.attention().addGated(x, toOut.forward(attended));
            return modulation.mlp().addGated(mixed, mlp.forward(modulation.mlp().modulate(mixed)));
        }

        private Tensor toHeads(Tensor x) {
            return x.unflatten(-1, heads, x.size(-1) / heads); // [B, S, H, Dh]
        }
    }

    /// MLP with a gate (SwiGLU, Shazeer 2020, arXiv:2002.05202).
    private static final class FeedForward extends Module {

        private final Linear linearIn;
        private final Linear linearOut;

        FeedForward(TransformerConfig config) {
            linearIn = module("linear_in", new Linear(config.dim(), 2L * config.mlpDim(), false));
            linearOut = module("linear_out", new Linear(config.mlpDim(), config.dim(), false));
        }

        /// @param x `[B, S, D]`
        /// @return the shape of `x`
        Tensor forward(Tensor x) {
            try (Scope scope = new Scope()) {
                return scope.keep(linearOut.forward(Ops.swiGluInPlace(linearIn.forward(x))));
            }
        }
    }
}
