package io.stencil.server;

import io.stencil.error.Arguments;
import io.stencil.error.InvalidRequestException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Settings of a [StencilServer].
///
/// @param host address that is bound; `0.0.0.0` for all
/// @param port that is bound; 0 for any free one
/// @param apiKey that clients send as `Authorization: Bearer KEY`; null for none, which an address of this machine
///     alone allows
/// @param allowedHosts names in `Host` beside those of this machine, such as that of a reverse proxy; with an API key
///     and an empty list every name
/// @param allowedOrigins origins of web pages that may call the server, such as `https://studio.example.com`
/// @param publicUrl address under which clients reach this server, which addresses in answers begin with; null for the
///     one that a request names
/// @param accessLog receives a line for each request once it is answered: client, time, method, path without its query,
///     status, bytes, milliseconds, and never a header or a body; null for none
/// @param limits of requests
public record ServerSettings(
        String host,
        int port,
        @Nullable String apiKey,
        List<String> allowedHosts,
        List<String> allowedOrigins,
        @Nullable URI publicUrl,
        @Nullable Consumer<String> accessLog,
        Limits limits) {

    private static final int SHORTEST_KEY = 8;

    /// Bounds of what clients may send.
    ///
    /// @param bodyBytes largest body of a request
    /// @param totalBodyBytes largest sum of all bodies that are in memory at a time
    /// @param imagePixels largest number of pixels of all images in a request together
    /// @param bytesPerSecond slowest rate at which a body may arrive, after `patience`
    /// @param patience time in which something has to arrive of a body, and in which a client has to take what is sent
    /// @param connections largest number of open connections
    public record Limits(
            int bodyBytes,
            long totalBodyBytes,
            long imagePixels,
            long bytesPerSecond,
            Duration patience,
            int connections) {

        /// 64 MB a body, 256 MB together, 4096 x 4096 pixels, 1 kB a second after 10 seconds, 1,000 connections.
        public static final Limits DEFAULT =
                new Limits(64 << 20, 256L << 20, 4096L * 4096, 1000, Duration.ofSeconds(10), 1000);

        public Limits {
            require("limits.body_bytes", bodyBytes >= 1, bodyBytes);
            require("limits.total_body_bytes", totalBodyBytes >= bodyBytes, totalBodyBytes);
            require("limits.image_pixels", imagePixels >= 1, imagePixels);
            require("limits.bytes_per_second", bytesPerSecond >= 0, bytesPerSecond);
            require("limits.patience", patience.isPositive(), patience);
            require("limits.connections", connections >= 1, connections);
        }

        private static void require(String field, boolean holds, Object value) {
            if (!holds) {
                throw new InvalidRequestException(field, "is out of range: " + value);
            }
        }
    }

    /// Port 8080 of this machine, without a key.
    public static final ServerSettings DEFAULT =
            new ServerSettings("127.0.0.1", 8080, null, List.of(), List.of(), null, null, Limits.DEFAULT);

    /// @throws InvalidRequestException naming the value that cannot be used, above all for an address that other
    ///     machines reach and no API key
    public ServerSettings {
        Arguments.require("host", host);
        Arguments.require("limits", limits);
        allowedHosts = Arguments.copyOf("allowed_hosts", allowedHosts).stream()
                .map(name -> name.toLowerCase(Locale.ROOT))
                .toList();
        allowedOrigins = Arguments.copyOf("allowed_origins", allowedOrigins);
        if (port < 0 || port > 0xFFFF) {
            throw new InvalidRequestException("port", "must be 0 to 65535, found " + port);
        }
        if (apiKey != null && (apiKey.length() < SHORTEST_KEY || !apiKey.chars().allMatch(c -> c > ' ' && c < 0x7F))) {
            throw new InvalidRequestException(
                    "api_key", "must have %s or more characters of ASCII and no space".formatted(SHORTEST_KEY));
        }
        if (apiKey == null && !isLoopback(host)) {
            throw new InvalidRequestException(
                    "api_key",
                    "is missing: other machines reach %s; give a key in $STENCIL_API_KEY or by --api_key_file, or bind 127.0.0.1"
                            .formatted(host));
        }
    }

    private static boolean isLoopback(String host) {
        try {
            for (InetAddress address : InetAddress.getAllByName(host)) {
                if (!address.isLoopbackAddress()) {
                    return false;
                }
            }
            return true;
        } catch (UnknownHostException fault) {
            throw new InvalidRequestException("host", "'%s' is not an address of this machine".formatted(host));
        }
    }

    public ServerSettings withHost(String other) {
        return new ServerSettings(other, port, apiKey, allowedHosts, allowedOrigins, publicUrl, accessLog, limits);
    }

    public ServerSettings withPort(int other) {
        return new ServerSettings(host, other, apiKey, allowedHosts, allowedOrigins, publicUrl, accessLog, limits);
    }

    public ServerSettings withApiKey(String other) {
        return new ServerSettings(host, port, other, allowedHosts, allowedOrigins, publicUrl, accessLog, limits);
    }

    public ServerSettings withAllowed(List<String> hosts, List<String> origins) {
        return new ServerSettings(host, port, apiKey, hosts, origins, publicUrl, accessLog, limits);
    }

    public ServerSettings withAccessLog(Consumer<String> lines) {
        return new ServerSettings(host, port, apiKey, allowedHosts, allowedOrigins, publicUrl, lines, limits);
    }

    public ServerSettings withLimits(Limits other) {
        return new ServerSettings(host, port, apiKey, allowedHosts, allowedOrigins, publicUrl, accessLog, other);
    }
}
