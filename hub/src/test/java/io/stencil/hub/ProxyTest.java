package io.stencil.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.stencil.error.HubException;
import io.stencil.hub.download.Fetcher;
import io.stencil.hub.download.Snapshot;
import io.stencil.hub.http.Proxies;
import io.stencil.hub.provider.HubKind;
import io.stencil.hub.provider.HubReference;
import io.stencil.hub.testing.EnvironmentFetchMain;
import io.stencil.hub.testing.FakeHub;
import io.stencil.hub.testing.FakeProxy;
import io.stencil.hub.testing.TestHubs;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Hubs behind proxies of the environment.
class ProxyTest {

    private static final String SECRET = "hf_verySecretToken123";
    private static final byte[] WEIGHTS = TestHubs.content(60_000, 1);
    /// `us er:p@ss`.
    private static final String BASIC = "Basic dXMgZXI6cEBzcw==";

    @TempDir
    private Path temporary;

    private final FakeHub fake = new FakeHub();
    private final FakeProxy proxy = new FakeProxy(fake.site().getPort());

    @AfterEach
    void close() {
        proxy.close();
        fake.close();
    }

    private Snapshot fetch(String site, Map<String, String> environment) {
        fake.repository("org/m").put("w.safetensors", WEIGHTS).put("config.json", "{}");
        HubSettings usual =
                TestHubs.settings(HubKind.HUGGING_FACE, URI.create(site), temporary.resolve("models"), null);
        HubSettings settings = TestHubs.with(usual, TestHubs.CHUNK, usual.http().withProxies(Proxies.of(environment)));
        try (Hub hub = Hub.open(settings)) {
            return hub.fetch(HubReference.parse("model", "org/m:"), Fetcher.Listener.NONE);
        }
    }

    /// The storage is of this machine, and is not asked through the proxy.
    @Test
    void aHubIsReachedThroughTheProxy() throws IOException {
        proxy.require(BASIC);
        Snapshot snapshot =
                fetch("http://hub.example", Map.of("HTTP_PROXY", "http://us%20er:p%40ss@" + proxy.address()));
        assertThat(snapshot.folder().resolve("w.safetensors")).hasBinaryContent(WEIGHTS);
        assertThat(proxy.heads())
                .isNotEmpty()
                .allMatch(head -> head.startsWith("GET http://hub.example/"))
                .noneMatch(head -> head.contains("/content/"));
        assertThat(fake.requests()).anyMatch(request -> request.startsWith("GET /content/"));
    }

    @Test
    void thisMachineIsReachedWithoutIt() {
        fetch(fake.site().toString(), Map.of("HTTP_PROXY", "http://127.0.0.1:1", "ALL_PROXY", "http://127.0.0.1:1"));
        assertThat(temporary.resolve("models/org/m/w.safetensors")).hasBinaryContent(WEIGHTS);
    }

    @Test
    void aProxyThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> fetch("http://hub.example", Map.of("HTTP_PROXY", "http://u:s3cret@127.0.0.1:1")))
                .isInstanceOf(HubException.class)
                .hasMessageContaining("the proxy 127.0.0.1:1 (HTTP_PROXY) cannot be reached; check the network")
                .hasMessageNotContaining("s3cret");
    }

    @Test
    void aPasswordThatIsMissingOrWrongIsTold() {
        proxy.require(BASIC);
        assertThatThrownBy(() -> fetch("http://hub.example", Map.of("http_proxy", proxy.address())))
                .isInstanceOf(HubException.class)
                .hasMessageEndingWith(
                        "the proxy %s (http_proxy) requires a user and password (407);"
                                + " set HTTP_PROXY=http://USER:PASSWORD@HOST:PORT",
                        proxy.address());
        assertThatThrownBy(() -> fetch("http://hub.example", Map.of("HTTP_PROXY", "u:s3cret@" + proxy.address())))
                .hasMessageEndingWith("(407); check user and password in HTTP_PROXY")
                .hasMessageNotContaining("s3cret");
        assertThat(proxy.heads()).hasSize(2);
    }

    @Test
    void aTunnelThatIsRefusedIsTold() {
        proxy.refuse(403);
        assertThatThrownBy(() -> fetch("https://hub.example", Map.of("HTTPS_PROXY", "http://" + proxy.address())))
                .isInstanceOf(HubException.class)
                .hasMessageEndingWith(
                        "the proxy %s (HTTPS_PROXY) does not connect to hub.example (403);"
                                + " check HTTPS_PROXY and NO_PROXY",
                        proxy.address());
        assertThat(proxy.heads()).singleElement().asString().startsWith("CONNECT hub.example:443 ");
    }

    @Test
    void aTunnelThatFailsForNowIsTriedAgain() {
        proxy.refuse(502);
        assertThatThrownBy(() -> fetch("https://hub.example", Map.of("HTTPS_PROXY", "http://" + proxy.address())))
                .isInstanceOf(HubException.class)
                .hasMessageEndingWith("does not connect to hub.example (502); check HTTPS_PROXY and NO_PROXY;"
                        + " gave up after 3 attempts");
    }

    /// In a process of its own, as Java reads once which passwords it may send, and so that all is the environment's.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theTokenGoesThroughTheTunnelUnseen(boolean isAllowed)
            throws IOException, InterruptedException, GeneralSecurityException {
        fake.requireToken(SECRET);
        fake.repository("org/m").put("config.json", "{\"a\": 1}");
        Path store = keyStore();
        List<String> proxyHeaders = new CopyOnWriteArrayList<>();
        HttpsServer front = front(store, proxyHeaders);
        try (FakeProxy tunnel = new FakeProxy(front.getAddress().getPort())) {
            tunnel.require(BASIC);
            String said = fetch(
                    List.of("-Djavax.net.ssl.trustStore=" + store, "-Djavax.net.ssl.trustStorePassword=changeit"),
                    Map.of(
                            "HTTPS_PROXY",
                            "http://us%20er:p%40ss@" + tunnel.address(),
                            "HF_ENDPOINT",
                            "https://hub.example",
                            "HF_TOKEN",
                            SECRET,
                            "DIFFSYNTH_DOWNLOAD_SOURCE",
                            "huggingface",
                            "DIFFSYNTH_MODEL_BASE_PATH",
                            temporary.resolve("models").toString(),
                            "HF_HUB_CACHE",
                            temporary.resolve("none").toString()),
                    isAllowed ? List.of("org/m:", "allow") : List.of("org/m:"));
            if (isAllowed) {
                assertThat(said).isEmpty();
                assertThat(temporary.resolve("models/org/m/config.json")).hasContent("{\"a\": 1}");
            } else {
                assertThat(said)
                        .contains("the proxy %s (HTTPS_PROXY) requires a user and password (407);"
                                .formatted(tunnel.address()))
                        .contains("unless it is started with -Djdk.http.auth.tunneling.disabledSchemes=");
            }
            assertThat(tunnel.heads())
                    .isNotEmpty()
                    .allMatch(head -> head.startsWith("CONNECT hub.example:443 "))
                    .noneMatch(head -> head.contains(SECRET));
            assertThat(tunnel.tunnelled()).doesNotContain(SECRET, "Proxy-Authorization");
            assertThat(proxyHeaders).isEmpty();
        } finally {
            front.stop(0);
        }
    }

    /// @return what the process printed
    private static String fetch(List<String> options, Map<String, String> environment, List<String> arguments)
            throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"))
                .redirectErrorStream(true);
        java.command().addAll(options);
        java.command().add(EnvironmentFetchMain.class.getName());
        java.command().addAll(arguments);
        java.environment()
                .keySet()
                .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
        java.environment().putAll(environment);
        Process process = java.start();
        try (InputStream out = process.getInputStream()) {
            String said = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return said;
        }
    }

    private Path keyStore() throws IOException, InterruptedException {
        Path store = temporary.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "hub",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=hub.example",
                        "-ext",
                        "san=dns:hub.example",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "changeit",
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(keytool.waitFor()).isZero();
        return store;
    }

    /// The fake hub over HTTPS.
    private HttpsServer front(Path store, List<String> proxyHeaders) throws IOException, GeneralSecurityException {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, "changeit".toCharArray());
        }
        KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, "changeit".toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        HttpClient plain = HttpClient.newHttpClient();
        server.createContext("/", exchange -> {
            proxyHeaders.addAll(exchange.getRequestHeaders().getOrDefault("Proxy-Authorization", List.of()));
            HttpRequest request = HttpRequest.newBuilder(
                            fake.site().resolve(exchange.getRequestURI().toString()))
                    .setHeader("Authorization", exchange.getRequestHeaders().getFirst("Authorization"))
                    .build();
            try {
                HttpResponse<byte[]> answer = plain.send(request, HttpResponse.BodyHandlers.ofByteArray());
                exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
                exchange.getResponseBody().write(answer.body());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                exchange.close();
            }
        });
        server.start();
        return server;
    }
}
