package io.stencil.autograd;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.WideWeight;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/// The product of an input and a frozen weight that rests in another dtype, float8 with a scale among them, or out of
/// memory: `x W^T`, in the dtype of `x`.
///
/// The weight is cast part by part into memory that all products share, forward and backward. Autograd keeps neither
/// the weight nor a copy of it, as long as a [GradientTape] is open on this thread; without one it keeps the copy.
public final class FrozenProduct {

    private FrozenProduct() {}

    /// @param x [..., in]
    /// @param weight [out, in], not trainable
    /// @return [..., out]
    public static Tensor of(Tensor x, FrozenWeight weight) {
        if (!GradMode.isEnabled() || !x.requires_grad()) {
            return forward(x, weight);
        }
        Optional<BackwardFunctions> functions = BackwardFunctions.current();
        if (functions.isEmpty()) {
            try {
                return Ops.linear(x, weight.resting().in(DType.of(x)), null);
            } finally {
                weight.evict();
            }
        }
        Tensor y;
        try (Scope scope = new Scope();
                GradMode _ = GradMode.disabled()) {
            y = scope.keep(forward(x, weight));
        }
        return functions.get().connect(y, x, gradient -> inputGradient(gradient, weight, DType.of(gradient)));
    }

    private static Tensor forward(Tensor x, FrozenWeight weight) {
        try {
            return WideWeight.of(weight.resting(), DType.of(x)).multiplyTransposed(x);
        } finally {
            weight.evict();
        }
    }

    private static Tensor inputGradient(Tensor gradient, FrozenWeight weight, DType dtype) {
        try {
            return WideWeight.of(weight.resting(), dtype).multiply(gradient);
        } finally {
            weight.evict();
        }
    }
}
