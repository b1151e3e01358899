package io.stencil.hub.http;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Authenticates requests to one hub, and keeps its token out of everything else: the token goes to its own hub
/// alone, never to the storage that a hub redirects to, nor into a message.
///
/// @param token null for anonymous access
/// @param origin address of the hub
/// @param headers that carry the token: name, and value with `%s` for the token
/// @param variable environment variable that holds the token, for messages
public record Credentials(@Nullable Token token, URI origin, Map<String, String> headers, String variable) {

    private static final int SHOWN = 200;
    /// Ends of lines and other controls, also those that change the direction of writing.
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\s]+");

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

    static boolean isSameOrigin(URI first, URI second) {
        return Objects.equals(first.getScheme(), second.getScheme())
                && host(first).equals(host(second))
                && port(first) == port(second);
    }

    /// The port of an address, its scheme's where it names none.
    static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
    }

    /// Returns whether an address is of this machine: only there a token goes over plain HTTP.
    public static boolean isLoopback(URI target) {
        String host = host(target);
        return host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
    }

    private static String host(URI uri) {
        return Objects.requireNonNullElse(uri.getHost(), "").toLowerCase(Locale.ROOT);
    }

    /// Redacts, flattens to one line and shortens text of a server, which may repeat what it received. All such text
    /// passes here before it is part of a message. The token goes first, so that no cut leaves a part of it.
    ///
    /// @param text null for none
    public String sanitize(@Nullable String text) {
        return shorten(redact(text == null ? "" : text));
    }

    /// Sanitizes the beginning of a longer text, whose end may be part of a token.
    String sanitizeBeginning(String text) {
        String redacted = redact(text);
        int cut = token == null ? 0 : token.length();
        return shorten(redacted.substring(0, Math.max(0, redacted.length() - cut)));
    }

    /// Copies a failure with a sanitized message, so that its stack trace can be printed.
    Throwable sanitize(Throwable failure) {
        IOException copy = new IOException(failure.getClass().getName() + ": " + sanitize(failure.getMessage()));
        copy.setStackTrace(failure.getStackTrace());
        return copy;
    }

    private String redact(String text) {
        return token == null ? text : token.redact(text);
    }

    private static String shorten(String text) {
        String line = INVISIBLE.matcher(text).replaceAll(" ").strip();
        if (line.length() <= SHOWN) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(SHOWN - 1)) ? SHOWN - 1 : SHOWN;
        return line.substring(0, end) + "...";
    }
}
