package io.stencil.autograd;

import org.jspecify.annotations.Nullable;

/// What a hook threw: exceptions cannot cross libtorch's engine and are carried past it by hand.
final class HookFailure {

    private volatile @Nullable Throwable thrown;

    boolean isThere() {
        return thrown != null;
    }

    /// @param fault a RuntimeException or an Error
    void keep(Throwable fault) {
        thrown = fault;
    }

    /// Throws it, if there is one.
    void rethrow() {
        Throwable fault = thrown;
        if (fault instanceof RuntimeException exception) {
            throw exception;
        }
        if (fault instanceof Error error) {
            throw error;
        }
    }
}
