package io.stencil.nn;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// Softmax attention with scale 1/sqrt(Dh) (Vaswani et al. 2017, arXiv:1706.03762).
///
/// On the CPU half-precision inputs are computed in float32: libtorch's kernel for them is some thirty times slower
/// than its float32 one. Other devices compute in the dtype they are given.
public final class Attention {

    private Attention() {}

    /// Every query sees every key.
    ///
    /// @param q [B, S, H, Dh]
    /// @param k [B, S + L, H, Dh], or fewer heads that divide H (grouped-query attention)
    /// @param v the shape of `k`
    /// @return [B, S, H * Dh], in the dtype of `q`
    public static Tensor attend(Tensor q, Tensor k, Tensor v) {
        return attend(q, k, v, null);
    }

    /// @param mask bool, broadcast to [B, H, S, S + L]: true where a query may see a key; null means everywhere
    public static Tensor attend(Tensor q, Tensor k, Tensor v, @Nullable Tensor mask) {
        DType dtype = DType.of(q);
        DType compute = computeDType(q);
        FlopCounter.add(2, q.numel(), k.size(1)); // scores, then their product with v
        Tensor attended = torch.scaled_dot_product_attention(
                compute.cast(q).transpose(1, 2),
                compute.cast(k).transpose(1, 2),
                compute.cast(v).transpose(1, 2),
                mask == null ? new TensorOptional() : new TensorOptional(mask),
                0.0,
                false,
                new DoubleOptional(),
                q.size(2) != k.size(2));
        return dtype.cast(attended.transpose(1, 2).flatten(2, 3));
    }

    /// The dtype that attention over `q` computes in, and keeps its inputs in for the backward pass.
    public static DType computeDType(Tensor q) {
        DType dtype = DType.of(q);
        boolean half = dtype == DType.BFLOAT16 || dtype == DType.FLOAT16;
        return half && Device.of(q).equals(Device.CPU) ? DType.FLOAT32 : dtype;
    }
}
