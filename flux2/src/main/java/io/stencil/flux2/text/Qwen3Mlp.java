package io.stencil.flux2.text;

import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.tensor.Ops;
import org.bytedeco.pytorch.Tensor;

/// SwiGLU (Shazeer 2020, arXiv:2002.05202): `down(silu(gate(x)) * up(x))`.
final class Qwen3Mlp extends Module {

    private final Linear gate;
    private final Linear up;
    private final Linear down;

    Qwen3Mlp(Qwen3Config config) {
        gate = module("gate_proj", new Linear(config.hiddenSize(), config.intermediateSize(), false));
        up = module("up_proj", new Linear(config.hiddenSize(), config.intermediateSize(), false));
        down = module("down_proj", new Linear(config.intermediateSize(), config.hiddenSize(), false));
    }

    Tensor forward(Tensor x) {
        return down.forward(Ops.silu(gate.forward(x)).mul(up.forward(x)));
    }
}
