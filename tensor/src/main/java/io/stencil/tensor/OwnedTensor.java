package io.stencil.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A tensor that lives until closed, whatever scope it was made in: a weight, an optimizer moment, a cached result.
public final class OwnedTensor implements AutoCloseable {

    private @Nullable Tensor tensor;

    public OwnedTensor(Tensor tensor) {
        this.tensor = retain(tensor);
    }

    /// @throws IllegalStateException after [#close]
    public Tensor get() {
        if (tensor == null) {
            throw new IllegalStateException("the tensor was freed");
        }
        return tensor;
    }

    /// The tensor, or nothing after [#close].
    public Optional<Tensor> find() {
        return Optional.ofNullable(tensor);
    }

    /// Frees the tensor held and holds another.
    public void set(Tensor replacement) {
        Tensor next = retain(replacement);
        close();
        tensor = next;
    }

    @Override
    public void close() {
        if (tensor != null) {
            tensor.releaseReference();
            tensor = null;
        }
    }

    private static Tensor retain(Tensor tensor) {
        Tensor owned = handle(tensor);
        owned.retainReference();
        return owned;
    }

    /// The tensor itself, or a handle of its own for one that is borrowed from a native list.
    static Tensor handle(Tensor tensor) {
        return tensor.referenceCount() < 0 ? new Tensor(tensor) : tensor;
    }
}
