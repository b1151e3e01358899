package io.stencil.hub.http;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/// Time limits, retries and proxies of requests.
///
/// @param connectTimeout longest wait for a connection
/// @param stallTimeout longest wait for a response, and for more of a body
public record HttpSettings(Duration connectTimeout, Duration stallTimeout, RetryPolicy retry, Proxies proxies) {

    public static final HttpSettings DEFAULT =
            new HttpSettings(Duration.ofSeconds(15), Duration.ofSeconds(60), RetryPolicy.DEFAULT, Proxies.SYSTEM);

    public HttpSettings withProxies(Proxies other) {
        return new HttpSettings(connectTimeout, stallTimeout, retry, other);
    }

    /// Retries with exponential backoff and jitter.
    ///
    /// @param attempts including the first
    /// @param first pause, which doubles each time
    /// @param cap longest own pause
    /// @param patience longest `Retry-After` of a hub that is waited for
    public record RetryPolicy(int attempts, Duration first, Duration cap, Duration patience) {

        public static final RetryPolicy DEFAULT =
                new RetryPolicy(6, Duration.ofMillis(500), Duration.ofSeconds(20), Duration.ofMinutes(5));

        /// Returns the pause after the `failed`th failure, counted from 1, with jitter so that clients do not return
        /// at once.
        Duration pause(int failed) {
            long doubled = first.toMillis() << Math.min(failed - 1, 20);
            long full = Math.min(doubled, cap.toMillis());
            return Duration.ofMillis(full / 2 + ThreadLocalRandom.current().nextLong(full / 2 + 1));
        }
    }
}
