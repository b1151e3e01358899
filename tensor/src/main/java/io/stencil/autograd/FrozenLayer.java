package io.stencil.autograd;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/// Layers over weights without gradients that rest in another dtype than the layer computes in, quantized ones among
/// them, or that are out of memory between their uses.
///
/// Offloaded weights are evicted after the layer's function and after its gradient. Autograd, which would keep them for
/// the backward pass, does not see them as long as a [GradientTape] is open on this thread; without one it keeps what
/// it needs of them.
public final class FrozenLayer {

    private FrozenLayer() {}

    /// `x W^T`, in the dtype of `x`. The weight is widened part by part, forward and backward; without a tape on this
    /// thread autograd keeps a copy of the whole.
    ///
    /// @param x [..., in]
    /// @param weight [out, in], not trainable
    /// @return [..., out]
    public static Tensor product(Tensor x, FrozenWeight weight) {
        FrozenWeight[] weights = {weight};
        if (!GradMode.isEnabled() || !x.requires_grad()) {
            return evicting(weights, () -> weight.values().multiplyTransposed(x));
        }
        Optional<BackwardFunctions> functions = BackwardFunctions.current();
        if (functions.isEmpty()) {
            return evicting(weights, () -> Ops.linear(x, weight.values().in(DType.of(x)), null));
        }
        Tensor y = unrecorded(weights, () -> weight.values().multiplyTransposed(x));
        return functions
                .get()
                .connect(
                        y,
                        x,
                        gradient -> evicting(weights, () -> weight.values().multiply(gradient)));
    }

    /// A layer that runs again when its gradient arrives; until then its input is kept. Where no weight is offloaded
    /// this is the function alone.
    ///
    /// @param layer of one input, with `weights`
    public static Tensor again(Tensor x, UnaryOperator<Tensor> layer, FrozenWeight... weights) {
        Optional<BackwardFunctions> functions = functions(x, weights);
        if (functions.isEmpty()) {
            return evicting(weights, () -> layer.apply(x));
        }
        return functions
                .get()
                .connectKeeping(
                        unrecorded(weights, () -> layer.apply(x)),
                        x,
                        (gradient, input) -> evicting(weights, () -> gradient(layer, input, gradient)));
    }

    private static Tensor gradient(UnaryOperator<Tensor> layer, Tensor input, Tensor gradient) {
        try (GradMode _ = GradMode.enabled()) {
            layer.apply(input).backward(gradient, new BoolOptional(false), false, new TensorArrayRefOptional());
            return input.grad();
        }
    }

    /// A layer that is linear in its input, which is not kept. Where no weight is offloaded this is the function alone.
    ///
    /// @param layer of one input, with `weights`
    /// @param inputGradient maps the gradient of the layer's result to that of its input
    public static Tensor linear(
            Tensor x, UnaryOperator<Tensor> layer, UnaryOperator<Tensor> inputGradient, FrozenWeight... weights) {
        Optional<BackwardFunctions> functions = functions(x, weights);
        if (functions.isEmpty()) {
            return evicting(weights, () -> layer.apply(x));
        }
        return functions
                .get()
                .connect(
                        unrecorded(weights, () -> layer.apply(x)),
                        x,
                        gradient -> evicting(weights, () -> inputGradient.apply(gradient)));
    }

    /// The open tape's, where the layer is recorded and all its weights are offloaded: one that is not may be trained,
    /// and needs its own gradient.
    private static Optional<BackwardFunctions> functions(Tensor x, FrozenWeight[] weights) {
        boolean recorded = GradMode.isEnabled() && x.requires_grad();
        return recorded && Arrays.stream(weights).allMatch(FrozenWeight::isOffloaded)
                ? BackwardFunctions.current()
                : Optional.empty();
    }

    /// @return owned by the caller's scope; nothing else of the function stays
    private static Tensor unrecorded(FrozenWeight[] weights, Supplier<Tensor> function) {
        try (Scope scope = new Scope();
                GradMode _ = GradMode.disabled()) {
            return scope.keep(evicting(weights, function));
        }
    }

    private static Tensor evicting(FrozenWeight[] weights, Supplier<Tensor> function) {
        try {
            return function.get();
        } finally {
            for (FrozenWeight weight : weights) {
                weight.evict();
            }
        }
    }
}
