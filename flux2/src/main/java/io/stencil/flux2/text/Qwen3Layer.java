package io.stencil.flux2.text;

import io.stencil.nn.Attention;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.RmsNorm;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// One decoder layer: attention, then MLP, each on the normalised input and added to it.
final class Qwen3Layer extends Module {

    private final RmsNorm attentionNorm;
    private final SelfAttention attention;
    private final RmsNorm mlpNorm;
    private final Mlp mlp;

    Qwen3Layer(Qwen3Config config) {
        attention = module("self_attn", new SelfAttention(config));
        mlp = module("mlp", new Mlp(config));
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

    /// Grouped-query self-attention (Ainslie et al. 2023, arXiv:2305.13245) with q and k normalised per head.
    private static final class SelfAttention extends Module {

        private final Linear queries;
        private final Linear keys;
        private final Linear values;
        private final Linear output;
        private final RmsNorm queryNorm;
        private final RmsNorm keyNorm;
        private final int headDim;

        SelfAttention(Qwen3Config config) {
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

    /// SwiGLU (Shazeer 2020, arXiv:2002.05202): `down(silu(gate(x)) * up(x))`.
    private static final class Mlp extends Module {

        private final Linear gate;
        private final Linear up;
        private final Linear down;

        Mlp(Qwen3Config config) {
            gate = module("gate_proj", new Linear(config.hiddenSize(), config.intermediateSize(), false));
            up = module("up_proj", new Linear(config.hiddenSize(), config.intermediateSize(), false));
            down = module("down_proj", new Linear(config.intermediateSize(), config.hiddenSize(), false));
        }

        Tensor forward(Tensor x) {
            return down.forward(Ops.mulInPlace(Ops.siluInPlace(gate.forward(x)), up.forward(x)));
        }
    }

    /// Rotary positions (Su et al. 2021, arXiv:2104.09864) that turn element j together with element j + Dh/2.
    ///
    /// @param cos float32 `[S, 1, Dh/2]`
    /// @param sin float32 `[S, 1, Dh/2]`
    record HalfRotation(Tensor cos, Tensor sin) {

        /// The tables of positions `0 .. tokens - 1`: the angle of pair j is `position * theta^(-2j/Dh)`.
        static HalfRotation of(int tokens, int headDim, double theta, Device device) {
            int pairs = headDim / 2;
            float[] cos = new float[tokens * pairs];
            float[] sin = new float[tokens * pairs];
            for (int position = 0; position < tokens; position++) {
                for (int j = 0; j < pairs; j++) {
                    double angle = position * Math.pow(theta, -2.0 * j / headDim);
                    cos[position * pairs + j] = (float) Math.cos(angle);
                    sin[position * pairs + j] = (float) Math.sin(angle);
                }
            }
            return new HalfRotation(
                    device.place(Tensors.of(cos, tokens, 1, pairs)), device.place(Tensors.of(sin, tokens, 1, pairs)));
        }

        /// Turns in float32.
        ///
        /// @param x `[B, S, H, Dh]`
        /// @return the shape and dtype of `x`
        Tensor rotate(Tensor x) {
            List<Tensor> halves = Ops.chunk(DType.FLOAT32.cast(x), 2, -1);
            Tensor a = halves.get(0);
            Tensor b = halves.get(1);
            Tensor turned = Ops.cat(-1, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)));
            return DType.of(x).cast(turned);
        }
    }

    /// Which keys each query sees: those that are not later than it and are not padding.
    ///
    /// A query before the first token that is no padding would see nothing, and its softmax would be NaN: it sees
    /// itself. Padding on the right never gives such a query.
    ///
    /// @param attentionMask `[B, S]`, any dtype: not 0 where there is a token, 0 where there is padding
    /// @return bool `[B, 1, S, S]` on `device`, queries before keys
    static Tensor visibleKeys(Tensor attentionMask, Device device) {
        int batch = (int) attentionMask.size(0);
        int tokens = (int) attentionMask.size(1);
        long[] mask = Tensors.toLongs(attentionMask);
        byte[] visible = new byte[batch * tokens * tokens];
        for (int row = 0; row < batch * tokens; row++) {
            int query = row % tokens;
            int firstKey = row - query;
            boolean none = true;
            for (int key = 0; key <= query; key++) {
                if (mask[firstKey + key] != 0) {
                    visible[row * tokens + key] = 1;
                    none = false;
                }
            }
            if (none) {
                visible[row * tokens + query] = 1;
            }
        }
        return device.place(DType.BOOL.cast(Tensors.ofBytes(visible, batch, 1, tokens, tokens)));
    }
}
