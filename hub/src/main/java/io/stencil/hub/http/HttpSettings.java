package io.stencil.hub.http;

import java.time.Duration;

/// How requests are sent.
///
/// @param connect longest wait for a connection
/// @param silence longest wait for an answer, and for more of its body
/// @param proxies that connections go through
public record HttpSettings(Duration connect, Duration silence, RetryPolicy retry, Proxies proxies) {

    public static final HttpSettings DEFAULT =
            new HttpSettings(Duration.ofSeconds(15), Duration.ofSeconds(60), RetryPolicy.DEFAULT, Proxies.SYSTEM);

    /// The same through other proxies.
    public HttpSettings through(Proxies other) {
        return new HttpSettings(connect, silence, retry, other);
    }
}
