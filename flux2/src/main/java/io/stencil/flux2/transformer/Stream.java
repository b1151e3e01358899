package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.RmsNorm;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// What text or image has of its own in a double-stream block; the block registers the parts under their names.
record Stream(
        Linear toQ, Linear toK, Linear toV, RmsNorm normQ, RmsNorm normK, Linear toOut, FeedForward mlp, int heads) {

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
    Tensor update(Tensor x, Tensor attended, StreamModulation modulation) {
        Tensor mixed = modulation.attention().addGated(x, toOut.forward(attended));
        return modulation.mlp().addGated(mixed, mlp.forward(modulation.mlp().modulate(mixed)));
    }

    private Tensor toHeads(Tensor x) {
        return x.unflatten(-1, heads, x.size(-1) / heads); // [B, S, H, Dh]
    }
}
