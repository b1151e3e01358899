package io.stencil.flux2.vae;

import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Layers run one after another; what a layer made is freed as soon as the next one is through with it.
///
/// While gradients are recorded, libtorch keeps what it needs for the backward pass beyond that.
final class Chain {

    private Chain() {}

    /// @return what the last layer gives, owned by the caller's scope
    static Tensor run(List<UnaryOperator<Tensor>> layers, Tensor x) {
        try (Scope scope = new Scope();
                OwnedTensor current = new OwnedTensor(x)) {
            for (UnaryOperator<Tensor> layer : layers) {
                try (Scope _ = new Scope()) {
                    current.set(layer.apply(current.get()));
                }
            }
            return scope.keep(current.get());
        }
    }
}
