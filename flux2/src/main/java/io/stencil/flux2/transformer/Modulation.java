package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Adaptive normalisation of one sub-block (AdaLN, Peebles and Xie 2022, arXiv:2212.09748).
///
/// @param shift `[B, 1, D]`; `scale` and `gate` likewise
/// @param eps of the layer normalisation
record Modulation(Tensor shift, Tensor scale, Tensor gate, double eps) {

    /// @param chunks `[B, 1, 3D]`: shift, scale, gate
    static Modulation of(Tensor chunks, double eps) {
        List<Tensor> parts = Ops.chunk(chunks, 3, -1);
        return new Modulation(parts.get(0), parts.get(1), parts.get(2), eps);
    }

    /// `(1 + scale) * normalised + shift`.
    ///
    /// @param x `[B, S, D]`
    Tensor modulate(Tensor x) {
        return modulate(x, shift, scale, eps);
    }

    static Tensor modulate(Tensor x, Tensor shift, Tensor scale, double eps) {
        return Ops.multiplyAdd(Ops.layerNorm(x, eps), Ops.add(scale, 1), shift);
    }

    /// `x + gate * update`.
    Tensor addGated(Tensor x, Tensor update) {
        return Ops.multiplyAdd(update, gate, x);
    }

    /// Modulation of both sub-blocks of one stream in a double-stream block.
    record ForStream(Modulation attention, Modulation mlp) {

        /// @param chunks `[B, 1, 6D]`: the attention's set, then the MLP's
        static ForStream of(Tensor chunks, double eps) {
            List<Tensor> sets = Ops.chunk(chunks, 2, -1);
            return new ForStream(Modulation.of(sets.get(0), eps), Modulation.of(sets.get(1), eps));
        }
    }

    /// Modulation of all blocks of one kind, from the embedded timestep.
    static final class Projection extends Module {

        private final Linear linear;

        /// @param chunks of D channels in the result
        Projection(int dim, int chunks) {
            linear = module("linear", new Linear(dim, (long) chunks * dim, false));
        }

        /// @param embedding `[B, D]`
        /// @return `[B, 1, chunks * D]`
        Tensor forward(Tensor embedding) {
            return linear.forward(Ops.silu(embedding)).unsqueeze(1);
        }
    }
}
