package io.stencil.server;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.util.HostPort;
import org.jspecify.annotations.Nullable;

/// Checks who may call: the name of the host, against DNS rebinding, the origin of a web page, and the API key.
final class Guard {

    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
    private static final String BEARER = "bearer ";
    private static final String HMAC = "HmacSHA256";

    private final ServerSettings settings;
    private final byte @Nullable [] keyHash;
    private final byte[] secret = new byte[32];

    Guard(ServerSettings settings) {
        this.settings = settings;
        this.keyHash = settings.apiKey() == null ? null : sha256(settings.apiKey());
        new SecureRandom().nextBytes(secret);
    }

    /// Refuses names of hosts and web pages that are not allowed.
    ///
    /// @param authority host and port that the request names
    /// @throws ApiException with 403
    void checkSource(HttpFields headers, @Nullable String authority) {
        String host = host(authority);
        boolean any = keyHash != null && settings.allowedHosts().isEmpty();
        if (!any
                && !LOOPBACK.contains(host)
                && !host.equals(settings.host())
                && !settings.allowedHosts().contains(host)) {
            throw new ApiException(
                    ApiException.FORBIDDEN,
                    "Host '%s' is not a name of this server; the operator allows it by --allowed_host.".formatted(host),
                    null,
                    "host_not_allowed");
        }
        String origin = headers.get(HttpHeader.ORIGIN);
        if (origin != null && !isAllowed(origin, authority)) {
            throw new ApiException(
                    ApiException.FORBIDDEN,
                    "Web pages of '%s' may not call this server; the operator allows them by --allowed_origin."
                            .formatted(origin),
                    null,
                    "origin_not_allowed");
        }
    }

    private static String host(@Nullable String authority) {
        try {
            return authority == null ? "" : new HostPort(authority).getHost().toLowerCase(Locale.ROOT);
        } catch (IllegalArgumentException _) {
            return ""; // which is no allowed one
        }
    }

    /// Returns whether an origin is the server's own or one that the operator allows.
    boolean isAllowed(String origin, @Nullable String authority) {
        return settings.allowedOrigins().contains(origin)
                || (authority != null
                        && (origin.equalsIgnoreCase("http://" + authority)
                                || origin.equalsIgnoreCase("https://" + authority)));
    }

    /// Refuses a request without the API key, where there is one.
    ///
    /// @throws ApiException with 401
    void checkKey(HttpFields headers) {
        if (keyHash == null) {
            return;
        }
        String value = headers.get(HttpHeader.AUTHORIZATION);
        if (value == null || !value.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
            throw new ApiException(
                    ApiException.UNAUTHORIZED,
                    "You didn't provide an API key. Send it in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                    null,
                    null);
        }
        if (!MessageDigest.isEqual(
                keyHash, sha256(value.substring(BEARER.length()).strip()))) {
            throw new ApiException(ApiException.UNAUTHORIZED, "Incorrect API key provided.", null, "invalid_api_key");
        }
    }

    /// Signs a path, which then needs no key: for addresses of images in answers.
    String signature(String path) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(secret, HMAC));
            return HexFormat.of().formatHex(mac.doFinal(path.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException fault) {
            throw new IllegalStateException("every Java has " + HMAC, fault);
        }
    }

    boolean isSigned(String path, @Nullable String signature) {
        return signature != null
                && MessageDigest.isEqual(
                        signature(path).getBytes(StandardCharsets.US_ASCII),
                        signature.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException fault) {
            throw new IllegalStateException("every Java has SHA-256", fault);
        }
    }
}
