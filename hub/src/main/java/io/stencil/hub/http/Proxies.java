package io.stencil.hub.http;

import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The proxies of an environment, as other programs read them: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`,
/// each in lower or upper case. Where they name none, Java's own settings hold (`https.proxyHost`). This machine itself
/// is never reached through a proxy of the environment.
public final class Proxies {

    /// Java's own settings alone.
    public static final Proxies SYSTEM = new Proxies(null, null, new NoProxy(List.of()));

    /// Schemes of authentication that Java's client does not use for tunnels: `Basic`, unless this says otherwise. Read
    /// once, when a process makes its first client.
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private final @Nullable HttpProxy https;
    private final @Nullable HttpProxy http;
    private final NoProxy exceptions;

    private Proxies(@Nullable HttpProxy https, @Nullable HttpProxy http, NoProxy exceptions) {
        this.https = https;
        this.http = http;
        this.exceptions = exceptions;
    }

    /// @throws io.stencil.error.InvalidRequestException naming a variable that holds no address of a proxy
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

    /// The spelling that holds something: lower case goes first, as in curl and Python.
    private static Optional<Map.Entry<String, String>> variable(Map<String, String> environment, String name) {
        return List.of(name.toLowerCase(Locale.ROOT), name).stream()
                .map(spelling -> Map.entry(
                        spelling, environment.getOrDefault(spelling, "").strip()))
                .filter(set -> !set.getValue().isEmpty())
                .findFirst();
    }

    /// Lets this process send users and passwords of proxies for tunnels, unless it was started with another value of
    /// `jdk.http.auth.tunneling.disabledSchemes`. For programs that own their process, before their first request: Java
    /// has no such setting of one client.
    public static void allowPasswords() {
        if (System.getProperty(DISABLED_SCHEMES) == null) {
            System.setProperty(DISABLED_SCHEMES, "");
        }
    }

    /// The proxy of the environment that a request goes through.
    Optional<HttpProxy> of(URI target) {
        return isExcepted(target)
                ? Optional.empty()
                : Optional.ofNullable("https".equals(target.getScheme()) ? https : http);
    }

    private boolean isExcepted(URI target) {
        return Credentials.isLoopback(target) || exceptions.matches(target);
    }

    /// What to do where a proxy requires a user and a password.
    String passwordRemedy(URI target) {
        String variable = "https".equals(target.getScheme()) ? "HTTPS_PROXY" : "HTTP_PROXY";
        Optional<HttpProxy> proxy = of(target).filter(one -> one.authorization() != null);
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
}
