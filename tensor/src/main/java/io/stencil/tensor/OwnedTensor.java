package io.stencil.tensor;

import io.stencil.error.InvalidStateException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// A tensor that lives until closed, whatever scope it was made in: a weight, an optimizer moment, a cached result.
public final class OwnedTensor implements AutoCloseable {

    private final AtomicReference<@Nullable Tensor> tensor;

    public OwnedTensor(Tensor tensor) {
        this.tensor = new AtomicReference<>(retain(tensor));
    }

    /// @throws InvalidStateException after [#close]
    public Tensor get() {
        Tensor held = tensor.get();
        if (held == null) {
            throw new InvalidStateException("the tensor was freed");
        }
        return held;
    }

    /// The tensor, or nothing after [#close].
    public Optional<Tensor> find() {
        return Optional.ofNullable(tensor.get());
    }

    /// Frees the tensor held and holds another.
    public void set(Tensor replacement) {
        free(tensor.getAndSet(retain(replacement)));
    }

    /// Frees the tensor, once, whoever calls again.
    @Override
    public void close() {
        free(tensor.getAndSet(null));
    }

    private static void free(@Nullable Tensor held) {
        if (held != null) {
            held.releaseReference();
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
