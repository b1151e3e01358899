package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.json.Json;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Malformed requests, drawn from a grammar of each field: each is refused with a 4xx and an error that names its
/// field.
class MalformedRequestsTest {

    private static final int COUNT = Integer.getInteger("stencil.malformed", 1000);

    /// Values that no field takes, or not the one that is drawn for it.
    private static final List<String> VALUES = List.of(
            "-1",
            "1e400",
            "1.5",
            "99999999999999999999999",
            "\"\"",
            "\"x\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "{}",
            "[]",
            "[[]]",
            "{\"a\": {\"b\": []}}",
            "true",
            "[null]",
            "[\"a\"]",
            "\"/etc/passwd\"",
            "\"data:image/png;base64,AAAA\"",
            "\"" + "long".repeat(10_000) + "\"",
            "[1, \"a\"]",
            "{\"name\": 5}",
            "[{\"name\": \"brightness\", \"inputs\": 7}]",
            "[{\"name\": \"\"}]",
            "[{}]",
            "[{\"name\": \"brightness\"}]",
            "[{\"name\": \"brightness\", \"inputs\": {\"scale\": \"x\"}}]",
            "\"0x0\"",
            "\"99999x99999\"",
            "\"16x\"",
            "-0.0",
            "\"\\u202e\"");

    private static final List<String> BROKEN = List.of(
            "",
            "{",
            "}",
            "nul",
            "{\"prompt\"}",
            "{\"prompt\": \"a\",}",
            "{'prompt': 'a'}",
            "\"a\"",
            "5",
            "[]",
            "null",
            "{\"prompt\": \"a\"} {}",
            "{\"prompt\": NaN}",
            "\u0000",
            "{\"prompt\": \"a\\x\"}",
            "[".repeat(5000));

    private record Field(String path, String name, List<String> taken) {}

    private static final List<Field> FIELDS = List.of(
            new Field(
                    "/v1/images/generations",
                    "prompt",
                    List.of(
                            "\"x\"",
                            "\"\\u0000\"",
                            "\"\\u202e\"",
                            "\"0x0\"",
                            "\"16x\"",
                            "\"99999x99999\"",
                            "\"/etc/passwd\"",
                            "\"data:image/png;base64,AAAA\"",
                            "\"\\ud800\"")),
            new Field("/v1/images/generations", "n", List.of()),
            new Field("/v1/images/generations", "size", List.of()),
            new Field("/v1/images/generations", "model", List.of("\"\"")),
            new Field("/v1/images/generations", "stream", List.of("true")),
            new Field("/v1/images/generations", "partial_images", List.of()),
            new Field("/v1/images/generations", "quality", List.of()),
            new Field("/v1/images/generations", "response_format", List.of()),
            new Field("/v1/images/generations", "output_format", List.of()),
            new Field("/v1/images/generations", "output_compression", List.of()),
            new Field("/v1/images/generations", "background", List.of()),
            new Field("/v1/images/generations", "stencil", List.of("{}")),
            new Field("/v1/images/edits", "images", List.of()),
            new Field("/v1/images/edits", "mask", List.of()),
            new Field("/api/jobs", "n", List.of()),
            new Field("/api/jobs", "steps", List.of()),
            new Field("/api/jobs", "guidance", List.of("-1", "1.5", "-0.0")),
            new Field("/api/jobs", "seed", List.of()),
            new Field("/api/jobs", "seeds", List.of("[]")),
            new Field("/api/jobs", "size", List.of()),
            new Field("/api/jobs", "templates", List.of("[]")),
            new Field("/api/jobs", "loras", List.of("[]")),
            new Field("/api/jobs", "edit_images", List.of("[]")),
            new Field("/api/jobs", "input_image", List.of()),
            new Field("/api/jobs", "mask", List.of()),
            new Field("/api/jobs", "strength", List.of()),
            new Field("/api/jobs", "previews", List.of()),
            new Field("/api/jobs", "unknown", List.of()));

    private final TestServer server = TestServer.shared();

    @Test
    void noneIsAFaultOfTheServer() throws Exception {
        Random random = new Random(5);
        long before = server.service.status().done();
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            Field field = FIELDS.get(i % FIELDS.size());
            boolean isBroken = random.nextInt(10) == 0;
            String body;
            String name = field.name();
            if (isBroken) {
                body = BROKEN.get(random.nextInt(BROKEN.size()));
            } else {
                String value = VALUES.get(random.nextInt(VALUES.size()));
                while (field.taken().contains(value)) {
                    value = VALUES.get(random.nextInt(VALUES.size()));
                }
                String prompt = name.equals("prompt") ? "" : "\"prompt\": \"a\", ";
                body = "{%s\"%s\": %s}".formatted(prompt, name, value);
            }
            HttpResponse<byte[]> response = post(field.path(), body);
            String answer = new String(response.body(), StandardCharsets.UTF_8);
            JsonNode error = Json.MAPPER.readTree(answer).path("error");
            String param = error.path("param").asText("");
            boolean namesTheField = isBroken
                    || param.equals(name)
                    || param.startsWith(name + ".")
                    || param.startsWith(name + "[")
                    || field.path().endsWith("edits")
                    || (error.path("param").isNull() && answer.contains("JSON body"));
            if (response.statusCode() / 100 != 4
                    || !namesTheField
                    || error.path("message").asText("").isEmpty()) {
                wrong.add("%s %s -> %s %s"
                        .formatted(
                                field.path(),
                                body.substring(0, Math.min(100, body.length())),
                                response.statusCode(),
                                answer));
            }
        }

        assertThat(wrong).isEmpty();
        assertThat(server.faults).isEmpty();
        assertThat(server.service.status().done())
                .as("images made for malformed requests")
                .isEqualTo(before);
    }

    private HttpResponse<byte[]> post(String path, String body) throws Exception {
        return server.send(server.request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build());
    }

    @Test
    void malformedFormsAreRefused() throws Exception {
        String head = "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na";
        for (String body : List.of(
                "",
                "--b",
                "--b--",
                head,
                head + "\r\n--b--\r\n",
                "x".repeat(1000),
                head + "\r\n--c--",
                "--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--\r\n",
                "--b\r\n\r\na\r\n--b--\r\n",
                "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\r\n--b--\r\n")) {
            for (String type : List.of(
                    "multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary=")) {
                HttpResponse<byte[]> response = server.send(server.request("/v1/images/edits")
                        .header("Content-Type", type)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build());
                assertThat(response.statusCode()).as("%s: %s", type, body).isEqualTo(400);
            }
        }
        for (String type : List.of("text/plain", "application/x-www-form-urlencoded", "a", "application/xml")) {
            HttpResponse<byte[]> response = server.send(server.request("/v1/images/generations")
                    .header("Content-Type", type)
                    .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\"}"))
                    .build());
            assertThat(response.statusCode()).isEqualTo(415);
        }
    }

    @Test
    void malformedHttpIsAnsweredInTheSameForm() throws Exception {
        for (String request : List.of(
                "GARBAGE\r\n\r\n",
                "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
                "GET /healthz HTTP/1.1\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + "a".repeat(50_000) + "\r\n\r\n",
                "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
                "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")) {
            String answer = server.raw(request);
            assertThat(answer).as(request).matches("(?s)(HTTP/1.1 (4\\d\\d|505) .*\"error\".*)?");
        }
    }
}
