package io.stencil.hub.testing;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.ModelRoots;
import io.stencil.hub.http.HttpSettings;
import io.stencil.hub.http.HttpSettings.RetryPolicy;
import io.stencil.hub.http.Proxies;
import io.stencil.hub.http.Token;
import io.stencil.hub.provider.HubKind;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// Hubs for tests: small ranges, short pauses, and more patience than a busy machine needs.
public final class TestHubs {

    public static final int CHUNK = 16 << 10;

    /// Silence that tests of silence itself wait for; load does not reach it in all attempts of a request.
    public static final Duration SILENCE = Duration.ofSeconds(3);

    private TestHubs() {}

    public static HubSettings settings(HubKind kind, URI site, Path base, @Nullable String token) {
        return new HubSettings(
                kind,
                site,
                token == null ? null : Token.of("token", token),
                new ModelRoots(base, base.resolveSibling("hf-cache")),
                false,
                new Fetcher.Settings(4, CHUNK),
                http(Duration.ofMinutes(2), 3));
    }

    private static HttpSettings http(Duration silence, int attempts) {
        return new HttpSettings(
                Duration.ofMinutes(1),
                silence,
                new RetryPolicy(attempts, Duration.ofMillis(10), Duration.ofMillis(40), Duration.ofSeconds(2)),
                Proxies.SYSTEM);
    }

    public static Hub open(HubKind kind, FakeHub hub, Path base) {
        return Hub.open(settings(kind, hub.site(), base, null));
    }

    /// One that gives up a connection on which nothing comes for [#SILENCE].
    ///
    /// @param attempts of a request
    public static Hub openImpatient(HubKind kind, FakeHub hub, Path base, int attempts) {
        return Hub.open(with(settings(kind, hub.site(), base, null), CHUNK, http(SILENCE, attempts)));
    }

    /// The same settings with ranges of another size, sent in another way.
    public static HubSettings with(HubSettings usual, long chunkBytes, HttpSettings http) {
        return new HubSettings(
                usual.hub(),
                usual.site(),
                usual.token(),
                usual.roots(),
                usual.offline(),
                new Fetcher.Settings(usual.fetch().connections(), chunkBytes),
                http);
    }

    public static byte[] content(int bytes, long seed) {
        byte[] content = new byte[bytes];
        new Random(seed).nextBytes(content);
        return content;
    }
}
