package io.stencil.tensor;

import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Why a tensor has no content that an operation can use.
public enum TensorDefect {
    ABSENT("is null; compute a tensor for it, or leave the entry out"),
    FREED(
            "was freed when its Scope was closed; pass it out of the Scope with scope.keep(tensor), and compute it in each"
                    + " call instead of keeping it in a field"),
    UNDEFINED("is an undefined tensor; fill it before it is used"),
    WITHOUT_CONTENT(
            "has no content, as it lies on the Meta device; modules whose parameters it is computed from must be"
                    + " registered with module(...)");

    private final String text;

    TensorDefect(String text) {
        this.text = text;
    }

    /// The defect of a tensor, if it has one. Reads three flags and no content.
    public static Optional<TensorDefect> of(@Nullable Tensor tensor) {
        if (tensor == null) {
            return Optional.of(ABSENT);
        }
        if (tensor.isNull()) {
            return Optional.of(FREED);
        }
        if (!tensor.defined()) {
            return Optional.of(UNDEFINED);
        }
        return tensor.is_meta() ? Optional.of(WITHOUT_CONTENT) : Optional.empty();
    }

    /// The defect and its remedy, to stand behind the tensor's name.
    public String text() {
        return text;
    }
}
