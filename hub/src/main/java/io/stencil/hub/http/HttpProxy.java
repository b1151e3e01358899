package io.stencil.hub.http;

import io.stencil.error.InvalidRequestException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// An HTTP proxy that a variable of the environment names.
///
/// @param variable that names it
/// @param authorization value of `Proxy-Authorization`; null without user and password
record HttpProxy(
        String variable, String host, int port, @Nullable String authorization) {

    private static final int DEFAULT_PORT = 80;

    /// @param text `[http://][USER:PASSWORD@]HOST[:PORT]`, user and password percent-encoded
    /// @throws InvalidRequestException naming the variable, without the address, which may hold a password
    static HttpProxy parse(String variable, String text) {
        String full = text.contains("://") ? text : "http://" + text;
        String scheme = full.substring(0, full.indexOf("://")).toLowerCase(Locale.ROOT);
        if (!scheme.equals("http")) {
            throw new InvalidRequestException(
                    variable,
                    "names a proxy of the kind '%s', which is not supported; expected http://HOST:PORT"
                            .formatted(scheme.matches("[a-z0-9+.-]{1,20}") ? scheme : "?"));
        }
        try {
            URI uri = new URI(full).parseServerAuthority();
            String host = uri.getHost();
            int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
            String path = uri.getRawPath();
            boolean bare = (path.isEmpty() || path.equals("/")) && uri.getRawQuery() == null;
            if (host != null && port > 0 && port < 1 << 16 && bare) {
                return new HttpProxy(variable, host, port, basic(uri.getRawUserInfo()));
            }
        } catch (URISyntaxException | IllegalArgumentException _) {
            // Reported below without the cause, which repeats what may hold a password.
        }
        throw new InvalidRequestException(
                variable,
                "is not the address of a proxy; expected http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with other characters than letters, digits and '-._~' of user and password percent-encoded");
    }

    private static @Nullable String basic(@Nullable String userInfo) {
        if (userInfo == null) {
            return null;
        }
        String plain = URLDecoder.decode(userInfo.replace("+", "%2B"), StandardCharsets.UTF_8);
        String pair = userInfo.contains(":") ? plain : plain + ":";
        return "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
    }

    /// Where it is, resolved now.
    InetSocketAddress address() {
        String plain = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new InetSocketAddress(plain, port);
    }

    /// Such as `proxy.example:3128 (HTTPS_PROXY)`; never user or password.
    @Override
    public String toString() {
        return "%s:%s (%s)".formatted(host, port, variable);
    }
}
