package io.stencil.error;

import java.time.Duration;

/// Reports a request that is refused because the queue is full. The same request may be accepted later.
public final class QueueFullException extends StencilException {

    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    /// @param retryAfter estimated time until the queue has a free place, whole seconds of at least 1
    public QueueFullException(String what, Duration retryAfter) {
        super(null, what, null);
        this.retryAfter = retryAfter;
    }

    /// Returns the estimated time until the queue has a free place, as HTTP's `Retry-After` has it: whole seconds, at
    /// least 1.
    public Duration retryAfter() {
        return retryAfter;
    }
}
