package io.stencil.autograd;

import io.stencil.tensor.Scope;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;

/// A layer's function of its input and of weights that may be out of memory between their uses.
///
/// Offloaded weights are let go of after the function and after its gradient. Autograd, which would keep them for the
/// backward pass, does not see them as long as a [GradientTape] is open on this thread; without one it keeps what it
/// needs of them. Where no weight is offloaded this is the function alone.
public final class OffloadedLayer {

    private OffloadedLayer() {}

    /// A layer that runs again when its gradient arrives; until then its input is kept.
    ///
    /// @param layer of one input, with `weights`
    public static Tensor again(Tensor x, UnaryOperator<Tensor> layer, FrozenWeight... weights) {
        return run(
                x,
                layer,
                weights,
                (functions, y) -> functions.connectKeeping(y, x, (gradient, input) -> {
                    try (GradMode _ = GradMode.enabled()) {
                        layer.apply(input)
                                .backward(gradient, new BoolOptional(false), false, new TensorArrayRefOptional());
                        return input.grad();
                    } finally {
                        evict(weights);
                    }
                }));
    }

    /// A layer that is linear in its input, which is not kept.
    ///
    /// @param layer of one input, with `weights`
    /// @param inputGradient maps the gradient of the layer's result to that of its input
    public static Tensor linear(
            Tensor x, UnaryOperator<Tensor> layer, UnaryOperator<Tensor> inputGradient, FrozenWeight... weights) {
        return run(
                x,
                layer,
                weights,
                (functions, y) -> functions.connect(y, x, gradient -> {
                    try {
                        return inputGradient.apply(gradient);
                    } finally {
                        evict(weights);
                    }
                }));
    }

    @FunctionalInterface
    private interface Connection {
        /// @param y computed without recording
        Tensor make(BackwardFunctions functions, Tensor y);
    }

    private static Tensor run(Tensor x, UnaryOperator<Tensor> layer, FrozenWeight[] weights, Connection connection) {
        boolean recorded = GradMode.isEnabled() && x.requires_grad();
        Optional<BackwardFunctions> functions =
                recorded && areAllOffloaded(weights) ? BackwardFunctions.current() : Optional.empty();
        try {
            if (functions.isEmpty()) {
                return layer.apply(x);
            }
            Tensor y;
            try (Scope scope = new Scope();
                    GradMode _ = GradMode.disabled()) {
                y = scope.keep(layer.apply(x));
            }
            return connection.make(functions.get(), y);
        } finally {
            evict(weights);
        }
    }

    /// One that is not may be trained, and needs its own gradient.
    private static boolean areAllOffloaded(FrozenWeight[] weights) {
        return Arrays.stream(weights).allMatch(FrozenWeight::isOffloaded);
    }

    private static void evict(FrozenWeight[] weights) {
        for (FrozenWeight weight : weights) {
            weight.evict();
        }
    }
}
