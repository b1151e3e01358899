package io.stencil.nn;

import io.stencil.autograd.FrozenLayer;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// `y = x W^T + b`, plus the LoRA updates that this thread's pass has bound to it ([LoraBinding]).
///
/// Weights may rest in another dtype than `x` has; the product is computed in that of `x`. A frozen weight is cast part
/// by part for it, see [FrozenLayer].
public final class Linear extends Module {

    private final Parameter weight;
    private final @Nullable Parameter bias;

    public Linear(long in, long out, boolean withBias) {
        weight = parameter("weight", Initializer.uniformFanIn(in), out, in);
        bias = withBias ? parameter("bias", Initializer.uniformFanIn(in), out) : null;
    }

    /// @param x [..., in]
    /// @return [..., out]
    public Tensor forward(Tensor x) {
        try (OpenPass _ = openLayer()) {
            FlopCounter.add(x.numel(), weight.shape()[0]);
            Tensor y = product(x);
            for (LoraPair lora : loras()) {
                y = y.add(lora.update(x));
            }
            return y;
        }
    }

    private Tensor product(Tensor x) {
        if (bias == null) {
            return product(x, null);
        }
        try {
            return product(x, DType.of(x).cast(bias.tensor()));
        } finally {
            bias.evict(); // autograd keeps nothing of what is added
        }
    }

    private Tensor product(Tensor x, @Nullable Tensor offset) {
        DType dtype = DType.of(x);
        if (weight.isTrainable() || (weight.dtype() == dtype && !weight.isOffloaded())) {
            return Ops.linear(x, dtype.cast(weight.tensor()), offset);
        }
        Tensor y = FrozenLayer.product(x, weight);
        return offset == null ? y : y.add(offset);
    }

    public Parameter weight() {
        return weight;
    }

    private List<LoraPair> loras() {
        return LoraBinding.of(this);
    }

    /// Whether gradients are computed for a LoRA that this thread's pass has bound to the layer.
    public boolean isUpdateTrained() {
        return loras().stream()
                .anyMatch(pair -> pair.a().requires_grad() || pair.b().requires_grad());
    }

    /// Bytes that autograd keeps of the bound LoRAs until the backward pass: the update in their rank, and copies of
    /// pairs of another dtype than the input's.
    ///
    /// @param rows of the input, at most
    /// @param dtype of the input
    public long updateBytes(long rows, DType dtype) {
        return loras().stream()
                .mapToLong(pair -> pair.activationBytes(rows, dtype))
                .sum();
    }
}
