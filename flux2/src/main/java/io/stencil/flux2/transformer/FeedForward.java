package io.stencil.flux2.transformer;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// MLP with a gate (SwiGLU, Shazeer 2020, arXiv:2002.05202).
final class FeedForward extends Module {

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
            return scope.keep(linearOut.forward(Ops.swiGlu(linearIn.forward(x))));
        }
    }
}
