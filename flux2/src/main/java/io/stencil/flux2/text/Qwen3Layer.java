package io.stencil.flux2.text;

import io.stencil.nn.Module;
import io.stencil.nn.RmsNorm;
import io.stencil.tensor.DType;
import org.bytedeco.pytorch.Tensor;

/// One decoder layer: attention, then MLP, each on the normalised input and added to it.
final class Qwen3Layer extends Module {

    private final RmsNorm attentionNorm;
    private final Qwen3Attention attention;
    private final RmsNorm mlpNorm;
    private final Qwen3Mlp mlp;

    Qwen3Layer(Qwen3Config config) {
        attention = module("self_attn", new Qwen3Attention(config));
        mlp = module("mlp", new Qwen3Mlp(config));
        attentionNorm = module("input_layernorm", new RmsNorm(config.hiddenSize(), config.rmsNormEps()));
        mlpNorm = module("post_attention_layernorm", new RmsNorm(config.hiddenSize(), config.rmsNormEps()));
    }

    /// @param x float32 `[B, S, D]`
    /// @param visible bool `[B, 1, S, S]`
    /// @param dtype of attention and MLP; their results are added in float32
    /// @return float32 `[B, S, D]`
    Tensor forward(Tensor x, HalfRotation rotation, Tensor visible, DType dtype) {
        Tensor attended = x.add(attention.forward(dtype.cast(attentionNorm.forward(x)), rotation, visible));
        return attended.add(mlp.forward(dtype.cast(mlpNorm.forward(attended))));
    }
}
