package io.stencil.hub.http;

import java.time.Duration;

/// Patience of requests.
///
/// @param connect longest wait for a connection
/// @param silence longest wait for an answer, and for more of its body
public record HttpSettings(Duration connect, Duration silence, RetryPolicy retry) {

    public static final HttpSettings DEFAULT =
            new HttpSettings(Duration.ofSeconds(15), Duration.ofSeconds(60), RetryPolicy.DEFAULT);
}
