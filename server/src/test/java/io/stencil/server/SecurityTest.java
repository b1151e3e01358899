package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SecurityTest {

    private static final String KEY = "a-long-secret";
    private static final String GENERATIONS = "/v1/images/generations";

    private static TestServer locked;

    private final TestServer server = TestServer.shared();

    @BeforeAll
    static void start() {
        ServerSettings.Limits small =
                new ServerSettings.Limits(100_000, 1_000_000, 1 << 20, 1000, Duration.ofMillis(500), 100);
        locked = TestServer.start(
                builder -> builder, settings -> settings.withApiKey(KEY).withLimits(small));
    }

    @AfterAll
    static void stop() {
        locked.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "127.0.0.1.evil.example", "evil.example:8080", "10.0.0.1"})
    void aForeignHostIsRefused(String host) throws Exception {
        assertThat(server.raw("GET /v1/models HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n".formatted(host)))
                .startsWith("HTTP/1.1 403 ")
                .contains("\"code\":\"host_not_allowed\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "localhost:1", "127.0.0.1", "[::1]:8080"})
    void namesOfThisMachineAreTaken(String host) throws Exception {
        assertThat(server.raw("GET /v1/models HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n".formatted(host)))
                .startsWith("HTTP/1.1 200 ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"})
    void aForeignOriginIsRefused(String origin) throws Exception {
        HttpResponse<byte[]> response = server.send(server.request(GENERATIONS)
                .header("Origin", origin)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\", " + TestServer.SMALL + "}"))
                .build());

        JsonNode error = TestServer.json(403, response).path("error");
        assertThat(error.path("code").textValue()).isEqualTo("origin_not_allowed");
        assertThat(response.headers().map()).doesNotContainKey("access-control-allow-origin");
    }

    @Test
    void anAllowedOriginIsTaken() throws Exception {
        String origin = "https://studio.example.com";
        try (TestServer open = TestServer.start(
                builder -> builder, settings -> settings.withAllowed(List.of("proxy.example"), List.of(origin)))) {
            HttpResponse<byte[]> preflight = open.send(open.request(GENERATIONS)
                    .header("Origin", origin)
                    .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                    .build());

            assertThat(preflight.statusCode()).isEqualTo(204);
            assertThat(preflight.headers().firstValue("Access-Control-Allow-Origin"))
                    .hasValue(origin);
            assertThat(open.raw("GET /healthz HTTP/1.1\r\nHost: proxy.example\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void anAddressThatOthersReachNeedsAKey() {
        for (String host : List.of("0.0.0.0", "::", "192.0.2.1")) {
            assertThatThrownBy(() -> ServerSettings.DEFAULT.withHost(host))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("'api_key'")
                    .hasMessageContaining("other machines reach " + host);
            assertThat(ServerSettings.DEFAULT.withApiKey(KEY).withHost(host).host())
                    .isEqualTo(host);
        }
        assertThatThrownBy(() -> ServerSettings.DEFAULT.withApiKey("short"))
                .hasMessageContaining("8 or more characters");
    }

    @ParameterizedTest
    @CsvSource({
        "GET,/v1/models",
        "POST,/v1/images/generations",
        "POST,/v1/images/edits",
        "POST,/api/jobs",
        "GET,/api/jobs",
        "GET,/api/jobs/x",
        "DELETE,/api/jobs/x",
        "GET,/api/jobs/x/events",
        "GET,/api/jobs/x/images/0",
        "GET,/api/templates",
        "GET,/metrics",
        "GET,/openapi.json"
    })
    void withoutTheKeyNothingIsServed(String method, String path) throws Exception {
        for (String header : List.of("", "Bearer wrong-key-000", "Basic " + KEY, "Bearer " + KEY + "x")) {
            HttpRequest.Builder request = locked.request(path).method(method, HttpRequest.BodyPublishers.noBody());
            if (!header.isEmpty()) {
                request.header("Authorization", header);
            }
            assertThat(locked.send(request.build()).statusCode()).isEqualTo(401);
        }
    }

    private HttpResponse<byte[]> authorized(String path, String type, HttpRequest.BodyPublisher body) throws Exception {
        return locked.send(locked.request(path)
                .header("Authorization", "Bearer " + KEY)
                .header("Content-Type", type)
                .POST(body)
                .build());
    }

    private HttpResponse<byte[]> authorized(String path, String json) throws Exception {
        return authorized(path, "application/json", HttpRequest.BodyPublishers.ofString(json));
    }

    @Test
    void theKeyOpensAndProbesNeedNone() throws Exception {
        assertThat(TestServer.json(200, authorized(GENERATIONS, "{\"prompt\": \"a\", " + TestServer.SMALL + "}"))
                        .path("data"))
                .hasSize(1);
        assertThat(locked.get("/healthz").statusCode()).isEqualTo(200);
        assertThat(locked.get("/readyz").statusCode()).isEqualTo(200);
    }

    @Test
    void anAddressOfAnImageNeedsNoKeyAndOpensNothingElse() throws Exception {
        String url = TestServer.json(
                        200,
                        authorized(
                                GENERATIONS,
                                "{\"prompt\": \"a\", \"response_format\": \"url\", " + TestServer.SMALL + "}"))
                .path("data")
                .path(0)
                .path("url")
                .textValue();
        String path = url.substring(locked.server.uri().toString().length());

        assertThat(locked.get(path).statusCode()).isEqualTo(200);
        assertThat(locked.get(path.replace("/images/0", "/images/1")).statusCode())
                .isEqualTo(401);
        assertThat(locked.get(path.replaceAll("/images/0.*signature", "?signature"))
                        .statusCode())
                .isEqualTo(401);
    }

    @Test
    void aLargeBodyIsRefused() throws Exception {
        String large = "{\"prompt\": \"" + "a".repeat(200_000) + "\"}";

        JsonNode error = TestServer.json(413, authorized(GENERATIONS, large)).path("error");
        assertThat(error.path("code").textValue()).isEqualTo("request_too_large");
        // without a length
        assertThat(authorized(
                                GENERATIONS,
                                "application/json",
                                HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofString(large)))
                        .statusCode())
                .isEqualTo(413);
    }

    @Test
    void aSlowBodyIsRefused() throws Exception {
        String head =
                "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
                        .formatted(GENERATIONS, KEY);
        for (boolean drips : new boolean[] {false, true}) {
            try (Socket socket = new Socket(
                    InetAddress.getLoopbackAddress(), locked.server.uri().getPort())) {
                socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
                socket.setSoTimeout(drips ? 100 : 60_000);
                String answer = "";
                for (int i = 0; answer.isEmpty() && i < 500; i++) { // a byte in 100 ms is slower than the least rate
                    if (drips) {
                        socket.getOutputStream().write(' ');
                    }
                    answer = head(socket.getInputStream());
                }
                assertThat(answer).startsWith("HTTP/1.1 408 ");
            }
        }
    }

    /// Each byte comes in time, and the headers never end.
    @ParameterizedTest
    @ValueSource(strings = {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "", "GET /"})
    void aConnectionWhoseHeadersTrickleIsClosed(String begin) throws Exception {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), locked.server.uri().getPort())) {
            socket.getOutputStream().write(begin.getBytes(StandardCharsets.US_ASCII));
            socket.setSoTimeout(50);
            boolean isOpen = true;
            for (int i = 0; isOpen && i < 1000; i++) {
                try {
                    socket.getOutputStream()
                            .write(begin.isEmpty() ? "\r\n".getBytes(StandardCharsets.US_ASCII) : new byte[] {'a'});
                    isOpen = socket.getInputStream().read() >= 0;
                } catch (java.net.SocketTimeoutException _) { // no answer, and not closed
                } catch (java.io.IOException _) { // reset
                    isOpen = false;
                }
            }
            assertThat(isOpen).isFalse();
        }
        assertThat(locked.get("/healthz").statusCode()).isEqualTo(200);
    }

    @Test
    void theAccessLogHasNoPromptKeyOrSignature() throws Exception {
        List<String> lines = new java.util.concurrent.CopyOnWriteArrayList<>();
        try (TestServer logged = TestServer.start(
                builder -> builder, settings -> settings.withApiKey(KEY).withAccessLog(lines::add))) {
            String url = TestServer.json(
                            200,
                            logged.send(logged.request(GENERATIONS)
                                    .header("Authorization", "Bearer " + KEY)
                                    .header("Content-Type", "application/json")
                                    .POST(HttpRequest.BodyPublishers.ofString(
                                            "{\"prompt\": \"a secret prompt\", \"response_format\": \"url\", "
                                                    + TestServer.SMALL + "}"))
                                    .build()))
                    .path("data")
                    .path(0)
                    .path("url")
                    .textValue();
            logged.get(url.substring(logged.server.uri().toString().length()));
            logged.get("/api/jobs?prompt=secret");
        }
        assertThat(lines).hasSize(3);
        assertThat(lines.get(0))
                .matches("127\\.0\\.0\\.1 \\[[0-9T:.-]+Z] \"POST /v1/images/generations\" 200 [0-9]+ [0-9]+");
        assertThat(lines.get(1)).contains("\"GET /api/jobs/", "/images/0\" 200 ");
        assertThat(lines.get(2)).contains("\"GET /api/jobs\" 401 ");
        assertThat(String.join("\n", lines)).doesNotContain("secret", "signature", "?");
    }

    private static String head(InputStream stream) throws java.io.IOException {
        try {
            return new String(stream.readNBytes(17), StandardCharsets.US_ASCII);
        } catch (java.net.SocketTimeoutException _) {
            return "";
        }
    }

    @Test
    void aDecompressionBombIsRefusedBeforeItIsDecoded() throws Exception {
        String bomb = Base64.getEncoder().encodeToString(bomb(16_000, 16_000));
        JsonNode error = TestServer.json(400, server.post("/api/jobs", """
                {"prompt": "a", "input_image": "%s"}""".formatted(bomb)))
                .path("error");

        assertThat(error.path("param").textValue()).isEqualTo("input_image");
        assertThat(error.path("code").textValue()).isEqualTo("image_too_large");
        // Each is small enough, all together are not.
        String part = Base64.getEncoder().encodeToString(bomb(3000, 3000));
        JsonNode many = TestServer.json(400, server.post("/api/jobs", """
                {"prompt": "a", "edit_images": ["%s", "%s"]}""".formatted(part, part)))
                .path("error");
        assertThat(many.path("param").textValue()).isEqualTo("edit_images[1]");
        assertThat(server.send(server.request(GENERATIONS)
                                .header("Content-Type", "application/json")
                                .header("Content-Encoding", "gzip")
                                .POST(HttpRequest.BodyPublishers.ofByteArray(new byte[] {31, -117}))
                                .build())
                        .statusCode())
                .isEqualTo(415);
    }

    /// Else each word that a client makes up would be a series that stays, without a key.
    @Test
    void methodsThatClientsMakeUpAreCountedTogether() throws Exception {
        server.raw("BREW / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        assertThat(new String(server.send(server.request("/metrics").build()).body(), StandardCharsets.UTF_8))
                .contains("method=\"other\"")
                .doesNotContain("BREW");
    }

    @Test
    void anImageOfMoreThan20MegabytesInBase64IsRead() throws Exception {
        ByteArrayOutputStream large = new ByteArrayOutputStream();
        large.write(bomb(64, 64));
        large.write(new byte[16 << 20]); // behind the end of the image, where readers do not look
        String text = Base64.getEncoder().encodeToString(large.toByteArray());
        assertThat(text.length()).isGreaterThan(20_000_000);

        JsonNode error = TestServer.json(400, server.post("/api/jobs", """
                {"prompt": "a", "size": "64x64", "steps": 0, "input_image": "%s"}""".formatted(text)))
                .path("error");

        assertThat(error.path("param").textValue()).isEqualTo("steps");
    }

    /// A PNG image of one colour: some kilobytes that decode to many megabytes.
    private static byte[] bomb(int width, int height) throws Exception {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(file);
        out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 26, '\n'});
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        DataOutputStream fields = new DataOutputStream(header);
        fields.writeInt(width);
        fields.writeInt(height);
        fields.write(new byte[] {8, 0, 0, 0, 0});
        chunk(out, "IHDR", header.toByteArray());
        Deflater deflater = new Deflater(9);
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        byte[] row = new byte[width + 1];
        byte[] piece = new byte[1 << 14];
        for (int y = 0; y < height; y++) {
            deflater.setInput(row);
            for (int count = deflater.deflate(piece); count > 0; count = deflater.deflate(piece)) {
                data.write(piece, 0, count);
            }
        }
        deflater.finish();
        for (int count = deflater.deflate(piece); count > 0; count = deflater.deflate(piece)) {
            data.write(piece, 0, count);
        }
        deflater.end();
        chunk(out, "IDAT", data.toByteArray());
        chunk(out, "IEND", new byte[0]);
        return file.toByteArray();
    }

    private static void chunk(DataOutputStream out, String type, byte[] data) throws Exception {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 sum = new CRC32();
        sum.update(name);
        sum.update(data);
        out.writeInt(data.length);
        out.write(name);
        out.write(data);
        out.writeInt((int) sum.getValue());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/etc/passwd",
                "models/tiny-klein/vae/config.json",
                "file:///etc/passwd",
                "http://127.0.0.1/x.png",
                "../../x.png"
            })
    void noPathOfTheServerIsRead(String path) throws Exception {
        String image = Base64.getEncoder().encodeToString(bomb(16, 16));
        for (String fields : List.of(
                "\"input_image\": \"%s\"",
                "\"mask\": \"%s\"",
                "\"edit_images\": [\"%s\"]",
                "\"templates\": [{\"name\": \"palette\", \"inputs\": {\"image\": \"%s\"}}]",
                "\"templates\": [{\"name\": \"palette\", \"inputs\": {\"image\": \"" + image
                        + "\"}, \"negative_inputs\": {\"image\": \"%s\"}}]")) {
            JsonNode error = TestServer.json(
                            400, server.post("/api/jobs", "{\"prompt\": \"a\", " + fields.formatted(path) + "}"))
                    .path("error");
            assertThat(error.path("code").textValue()).isEqualTo("invalid_image");
        }
        JsonNode linked = TestServer.json(400, server.post("/v1/images/edits", """
                {"prompt": "a", "images": [{"image_url": "%s"}]}""".formatted(path)))
                .path("error");
        assertThat(linked.path("param").textValue()).isEqualTo("images[0].image_url");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/../../etc/passwd", "/api/jobs/..%2f..%2fetc%2fpasswd", "/%2e%2e/etc/passwd", "//etc/passwd"})
    void pathsDoNotLeaveTheServer(String path) throws Exception {
        assertThat(server.raw("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".formatted(path)))
                .matches("(?s)HTTP/1.1 40[04] .*\"error\".*")
                .doesNotContain("root:");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "PATCH", "DELETE"})
    void noTemplateCodeIsTaken(String method) throws Exception {
        for (String path : List.of("/api/templates", "/api/templates/brightness", "/api/loras", "/v1/models")) {
            int status = server.send(server.request(path)
                            .header("Content-Type", "application/java-archive")
                            .method(method, HttpRequest.BodyPublishers.ofString("class Model {}"))
                            .build())
                    .statusCode();
            assertThat(status).isIn(404, 405);
        }
        JsonNode error = TestServer.json(400, server.post("/api/jobs", """
                {"prompt": "a", "templates": [{"name": "brightness", "inputs": {"scale": 1}, "code": "class Model {}"}]}""")).path("error");
        assertThat(error.path("code").textValue()).isEqualTo("unknown_parameter");
    }
}
