package io.stencil.hub.http;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// A connection on which nothing came, or went, for too long.
final class SilenceException extends IOException {

    private static final long serialVersionUID = 1L;

    private SilenceException(String what, @Nullable Throwable cause) {
        super(what, cause);
    }

    /// @param silence that lasted in the middle of an answer
    static SilenceException ofBody(Duration silence, @Nullable Throwable cause) {
        return new SilenceException("fell silent: no data came for %s ms".formatted(silence.toMillis()), cause);
    }

    /// @param silence that lasted where an answer should have come
    static SilenceException ofAnswer(Duration silence, Throwable cause) {
        return new SilenceException("did not answer within %s ms".formatted(silence.toMillis()), cause);
    }

    /// @param sent bytes of the request's body that went before
    /// @param silence that lasted in the middle of the body
    static SilenceException ofRequest(long sent, Duration silence, Throwable cause) {
        return new SilenceException("took %s bytes, and no more for %s ms".formatted(sent, silence.toMillis()), cause);
    }
}
