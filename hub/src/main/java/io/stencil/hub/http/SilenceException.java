package io.stencil.hub.http;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// A connection on which nothing came for too long.
final class SilenceException extends IOException {

    private static final long serialVersionUID = 1L;

    SilenceException(Duration silence, @Nullable Throwable cause) {
        super("no data came for %d ms".formatted(silence.toMillis()), cause);
    }
}
