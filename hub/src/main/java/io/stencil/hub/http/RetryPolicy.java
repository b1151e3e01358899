package io.stencil.hub.http;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/// How often and how soon something is asked again.
///
/// @param attempts in all, the first one too
/// @param first pause, which doubles each time
/// @param cap of a pause that is not asked for by the hub
/// @param patience the longest pause that a hub may ask for; above it the request fails
public record RetryPolicy(int attempts, Duration first, Duration cap, Duration patience) {

    public static final RetryPolicy DEFAULT =
            new RetryPolicy(6, Duration.ofMillis(500), Duration.ofSeconds(20), Duration.ofMinutes(5));

    /// The pause after the `failed`th failure, counted from 1, spread so that many clients do not come back at once.
    Duration pause(int failed) {
        long doubled = first.toMillis() << Math.min(failed - 1, 20);
        long full = Math.min(doubled, cap.toMillis());
        return Duration.ofMillis(full / 2 + ThreadLocalRandom.current().nextLong(full / 2 + 1));
    }
}
