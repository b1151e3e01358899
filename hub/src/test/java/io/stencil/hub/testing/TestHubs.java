package io.stencil.hub.testing;

import io.stencil.hub.Hub;
import io.stencil.hub.HubSettings;
import io.stencil.hub.fetch.FetchSettings;
import io.stencil.hub.fetch.HuggingFaceCache;
import io.stencil.hub.http.HttpSettings;
import io.stencil.hub.http.RetryPolicy;
import io.stencil.hub.http.Token;
import io.stencil.hub.protocol.HubKind;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// Hubs for tests: small ranges, short patience.
public final class TestHubs {

    public static final int CHUNK = 16 << 10;

    private TestHubs() {}

    public static HubSettings settings(HubKind kind, URI site, Path base, @Nullable String token) {
        return new HubSettings(
                kind,
                site,
                token == null ? null : Token.of("token", token),
                base,
                false,
                new HuggingFaceCache(base.resolveSibling("hf-cache")),
                new FetchSettings(4, CHUNK),
                new HttpSettings(
                        Duration.ofSeconds(5),
                        Duration.ofMillis(600),
                        new RetryPolicy(3, Duration.ofMillis(10), Duration.ofMillis(40), Duration.ofSeconds(2))));
    }

    public static Hub open(HubKind kind, FakeHub hub, Path base) {
        return Hub.open(settings(kind, hub.site(), base, null));
    }

    public static byte[] content(int bytes, long seed) {
        byte[] content = new byte[bytes];
        new Random(seed).nextBytes(content);
        return content;
    }
}
