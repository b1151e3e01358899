package io.stencil.hub.http;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Selects proxies by the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, each in lower or
/// upper case. Where they name none, Java's own settings hold (`https.proxyHost`). Loopback addresses use no proxy of
/// the environment.
public final class Proxies {

    /// Java's own settings.
    public static final Proxies SYSTEM = new Proxies(null, null, new NoProxy(List.of()));

    /// Property with the authentication schemes that Java's client does not use for tunnels; `Basic` by default. Read
    /// once, when a process creates its first client.
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private final @Nullable HttpProxy https;
    private final @Nullable HttpProxy http;
    private final NoProxy exceptions;

    private Proxies(@Nullable HttpProxy https, @Nullable HttpProxy http, NoProxy exceptions) {
        this.https = https;
        this.http = http;
        this.exceptions = exceptions;
    }

    /// @throws InvalidRequestException naming a variable that is not the address of a proxy
    public static Proxies of(Map<String, String> environment) {
        // Read only where another is missing: ALL_PROXY often names a SOCKS proxy beside two of HTTP.
        Supplier<Optional<HttpProxy>> all = () -> proxy(environment, "ALL_PROXY");
        return new Proxies(
                proxy(environment, "HTTPS_PROXY").or(all).orElse(null),
                proxy(environment, "HTTP_PROXY").or(all).orElse(null),
                NoProxy.parse(variable(environment, "NO_PROXY")
                        .map(Map.Entry::getValue)
                        .orElse("")));
    }

    private static Optional<HttpProxy> proxy(Map<String, String> environment, String name) {
        return variable(environment, name).map(set -> HttpProxy.parse(set.getKey(), set.getValue()));
    }

    /// Finds the spelling with a value: lower case goes first, as in curl and Python.
    private static Optional<Map.Entry<String, String>> variable(Map<String, String> environment, String name) {
        return List.of(name.toLowerCase(Locale.ROOT), name).stream()
                .map(spelling -> Map.entry(
                        spelling, environment.getOrDefault(spelling, "").strip()))
                .filter(set -> !set.getValue().isEmpty())
                .findFirst();
    }

    /// Enables proxy passwords for tunnels in this process, unless it was started with another value of
    /// `jdk.http.auth.tunneling.disabledSchemes`. For programs that own their process, before their first request:
    /// Java has no such setting of one client.
    public static void allowPasswords() {
        if (System.getProperty(DISABLED_SCHEMES) == null) {
            System.setProperty(DISABLED_SCHEMES, "");
        }
    }

    Optional<HttpProxy> of(URI target) {
        return isExcepted(target)
                ? Optional.empty()
                : Optional.ofNullable("https".equals(target.getScheme()) ? https : http);
    }

    private boolean isExcepted(URI target) {
        return Credentials.isLoopback(target) || exceptions.matches(target);
    }

    /// Names the remedy where a proxy requires a user and a password.
    String passwordRemedy(URI target) {
        String variable = "https".equals(target.getScheme()) ? "HTTPS_PROXY" : "HTTP_PROXY";
        Optional<HttpProxy> proxy = of(target).filter(found -> found.authorization() != null);
        if (proxy.isEmpty()) {
            return "set %s=http://USER:PASSWORD@HOST:PORT".formatted(variable);
        }
        String disabled = System.getProperty(DISABLED_SCHEMES, "Basic").toLowerCase(Locale.ROOT);
        boolean isSent = "http".equals(target.getScheme()) || !disabled.contains("basic");
        return isSent
                ? "check user and password in " + proxy.get().variable()
                : "Java sends no password to a proxy for HTTPS unless it is started with -D%s="
                        .formatted(DISABLED_SCHEMES);
    }

    ProxySelector selector() {
        return new ProxySelector() {
            @Override
            public List<Proxy> select(URI target) {
                Optional<HttpProxy> proxy = Proxies.this.of(target);
                if (proxy.isPresent()) {
                    return List.of(new Proxy(Proxy.Type.HTTP, proxy.get().address()));
                }
                ProxySelector system = ProxySelector.getDefault();
                return isExcepted(target) || system == null ? List.of(Proxy.NO_PROXY) : system.select(target);
            }

            @Override
            public void connectFailed(URI target, SocketAddress address, IOException fault) {
                // The request fails with it.
            }
        };
    }

    /// @param variable of the environment that names it
    /// @param authorization value of `Proxy-Authorization`; null without user and password
    record HttpProxy(
            String variable,
            String host,
            int port,
            @Nullable String authorization) {

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

    /// Hosts of `NO_PROXY`: names with their subdomains, addresses, IPv4 networks such as `10.0.0.0/8`, each with or
    /// without a port, and `*` for all.
    ///
    /// @param entries in lower case
    record NoProxy(List<String> entries) {

        static NoProxy parse(String text) {
            return new NoProxy(Arrays.stream(text.toLowerCase(Locale.ROOT).split("[,\\s]+", -1))
                    .filter(entry -> !entry.isEmpty())
                    .toList());
        }

        boolean matches(URI target) {
            String host = bare(String.valueOf(target.getHost()).toLowerCase(Locale.ROOT));
            int port = Credentials.port(target);
            return entries.stream().anyMatch(entry -> matches(entry, host, port));
        }

        private static boolean matches(String entry, String host, int port) {
            if (entry.equals("*")) {
                return true;
            }
            int colon = entry.lastIndexOf(':');
            boolean hasPort = colon > 0 && (entry.indexOf(':') == colon || entry.charAt(colon - 1) == ']');
            if (hasPort && !entry.substring(colon + 1).equals(Integer.toString(port))) {
                return false;
            }
            String name = bare(hasPort ? entry.substring(0, colon) : entry);
            if (name.indexOf('/') > 0) {
                return isInNetwork(host, name);
            }
            String suffix = name.replaceFirst("^\\*?\\.", "");
            return host.equals(suffix) || (!suffix.isEmpty() && host.endsWith("." + suffix));
        }

        /// Returns whether a host is an IPv4 address in a network. Names are not resolved.
        private static boolean isInNetwork(String host, String network) {
            int slash = network.indexOf('/');
            String length = network.substring(slash + 1);
            long address = ipv4(host);
            long base = ipv4(network.substring(0, slash));
            if (address < 0 || base < 0 || !length.matches("\\d{1,2}") || Integer.parseInt(length) > 32) {
                return false;
            }
            int free = 32 - Integer.parseInt(length);
            return address >> free == base >> free;
        }

        /// Parses an IPv4 address; -1 for other text.
        private static long ipv4(String text) {
            if (!text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
                return -1;
            }
            long number = 0;
            for (String part : text.split("\\.", -1)) {
                int octet = Integer.parseInt(part);
                if (octet > 255) {
                    return -1;
                }
                number = number << 8 | octet;
            }
            return number;
        }

        private static String bare(String host) {
            String open = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
            return open.endsWith(".") ? open.substring(0, open.length() - 1) : open;
        }
    }
}
