package io.stencil.flux2.text;

import io.stencil.nn.Attention;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.RmsNorm;
import org.bytedeco.pytorch.Tensor;

/// Grouped-query self-attention (Ainslie et al. 2023, arXiv:2305.13245) with q and k normalised per head.
final class Qwen3Attention extends Module {

    private final Linear queries;
    private final Linear keys;
    private final Linear values;
    private final Linear output;
    private final RmsNorm queryNorm;
    private final RmsNorm keyNorm;
    private final int headDim;

    Qwen3Attention(Qwen3Config config) {
        headDim = config.headDim();
        long hidden = config.hiddenSize();
        long queryWidth = (long) config.numAttentionHeads() * headDim;
        long keyWidth = (long) config.numKeyValueHeads() * headDim;
        queries = module("q_proj", new Linear(hidden, queryWidth, false));
        keys = module("k_proj", new Linear(hidden, keyWidth, false));
        values = module("v_proj", new Linear(hidden, keyWidth, false));
        output = module("o_proj", new Linear(queryWidth, hidden, false));
        queryNorm = module("q_norm", new RmsNorm(headDim, config.rmsNormEps()));
        keyNorm = module("k_norm", new RmsNorm(headDim, config.rmsNormEps()));
    }

    /// @param x `[B, S, D]`
    /// @param visible bool `[B, 1, S, S]`
    Tensor forward(Tensor x, HalfRotation rotation, Tensor visible) {
        Tensor q = rotation.rotate(queryNorm.forward(heads(queries.forward(x)))); // [B, S, H, Dh]
        Tensor k = rotation.rotate(keyNorm.forward(heads(keys.forward(x)))); //      [B, S, Hkv, Dh]
        Tensor v = heads(values.forward(x)); //                                      [B, S, Hkv, Dh]
        return output.forward(Attention.attend(q, k, v, visible)); //                [B, S, D]
    }

    private Tensor heads(Tensor x) {
        return x.view(x.size(0), x.size(1), -1, headDim);
    }
}
