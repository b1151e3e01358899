package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// Modulation of all blocks of one kind, from the embedded timestep.
final class ModulationProjection extends Module {

    private final Linear linear;

    /// @param chunks of D channels in the result
    ModulationProjection(int dim, int chunks) {
        linear = module("linear", new Linear(dim, (long) chunks * dim, false));
    }

    /// @param embedding `[B, D]`
    /// @return `[B, 1, chunks * D]`
    Tensor forward(Tensor embedding) {
        return linear.forward(Ops.silu(embedding)).unsqueeze(1);
    }
}
