package io.stencil.tensor;

import io.stencil.error.CancelledException;
import org.jspecify.annotations.Nullable;

/// Cancels a computation from another thread.
///
/// ```java
/// CancellationToken token = new CancellationToken();
/// executor.submit(() -> pipeline.generateAll(request, seeds, progress, token)); // throws CancelledException
/// token.cancel();
/// ```
/// A call [binds][#bind] the token to its thread, and models [check][#check] it between layers, so that it is heard
/// wherever they run, also within the code of a Template. An interrupt of the thread cancels the call too.
/// Computations that bind no token, such as training, are not cancelled.
public class CancellationToken {

    private static final ThreadLocal<@Nullable Binding> BOUND = new ThreadLocal<>();

    private volatile boolean cancelled;

    /// Cancels what runs under the token, and all that begins under it later. Any thread may call, as often as it
    /// likes.
    public void cancel() {
        cancelled = true;
    }

    public boolean isCancelled() {
        return cancelled;
    }

    /// Puts what this thread runs under the token, beside tokens that are bound already, until the result is closed.
    public Binding bind() {
        Binding binding = new Binding(this, BOUND.get());
        BOUND.set(binding);
        return binding;
    }

    /// Throws where this thread runs under a token and shall stop; models call it between layers.
    ///
    /// @throws CancelledException when a bound token is cancelled or the thread is interrupted; it stays interrupted
    public static void check() {
        Binding innermost = BOUND.get();
        if (innermost == null) {
            return;
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new CancelledException("the generation was cancelled: its thread was interrupted");
        }
        for (Binding binding = innermost; binding != null; binding = binding.outer) {
            if (binding.token.isCancelled()) {
                throw new CancelledException("the generation was cancelled");
            }
        }
    }

    /// A token that is bound to a thread, until closed there.
    public static final class Binding implements AutoCloseable {

        private final CancellationToken token;
        private final @Nullable Binding outer;

        private Binding(CancellationToken token, @Nullable Binding outer) {
            this.token = token;
            this.outer = outer;
        }

        @Override
        public void close() {
            if (outer == null) {
                BOUND.remove();
            } else {
                BOUND.set(outer);
            }
        }
    }
}
