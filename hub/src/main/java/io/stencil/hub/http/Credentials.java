package io.stencil.hub.http;

import java.net.URI;
import java.net.http.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Who asks. The token goes to its own hub alone, never to the storage that a hub redirects to.
///
/// @param token null for a user without one
/// @param origin address of the hub
/// @param headers of a request with a token: name, and value with `%s` for the token
/// @param variable of the environment that gives the token, for messages
public record Credentials(@Nullable Token token, URI origin, Map<String, String> headers, String variable) {

    public Credentials {
        headers = Map.copyOf(headers);
    }

    void sign(HttpRequest.Builder request, URI target) {
        if (token != null && isOwn(target)) {
            headers.forEach((name, format) -> request.setHeader(name, token.in(format)));
        }
    }

    private boolean isOwn(URI target) {
        return isSameOrigin(origin, target) && (origin.getScheme().equals("https") || isLoopback(target));
    }

    static boolean isSameOrigin(URI one, URI other) {
        return Objects.equals(one.getScheme(), other.getScheme())
                && host(one).equals(host(other))
                && port(one) == port(other);
    }

    /// The port of an address, its scheme's where it names none.
    static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
    }

    /// Whether an address is of this machine: only there a token goes over plain HTTP.
    public static boolean isLoopback(URI target) {
        String host = host(target);
        return host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
    }

    private static String host(URI uri) {
        return Objects.requireNonNullElse(uri.getHost(), "").toLowerCase(Locale.ROOT);
    }

    ServerText told() {
        return new ServerText(token);
    }
}
