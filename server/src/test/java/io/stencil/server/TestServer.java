package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.json.Json;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.service.ImageService;
import io.stencil.service.ServiceSettings;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TrustedCode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// A server on Tiny Klein in this process, and a client of it. Each JSON answer is held against the server's
/// description.
final class TestServer implements AutoCloseable {

    /// 32 x 32 pixels in one step.
    static final String SMALL = "\"size\": \"32x32\", \"stencil\": {\"steps\": 1, \"guidance\": 1, \"seed\": 7}";

    static final Duration LONG = Duration.ofMinutes(15);

    private static @Nullable TestServer shared;

    final ImageService service;
    final StencilServer server;
    final List<String> faults = new CopyOnWriteArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final Description description;

    private TestServer(ServiceSettings models, ServerSettings settings) {
        this.service = ImageService.open(models);
        this.server = StencilServer.start(service, settings, faults::add);
        this.description = Description.read();
    }

    /// The server that all tests of this JVM share, with the Templates brightness and palette.
    static synchronized TestServer shared() {
        if (shared == null) {
            TestServer started = start(
                    builder -> builder.template("brightness", example("brightness"))
                            .template("palette", example("palette"))
                            .template("frame", example("frame")),
                    settings -> settings);
            Runtime.getRuntime().addShutdownHook(new Thread(started::close));
            shared = started;
        }
        return shared;
    }

    static TestServer start(UnaryOperator<ServiceSettings.Builder> models, UnaryOperator<ServerSettings> settings) {
        ServiceSettings.Builder builder = ServiceSettings.builder(
                        ModelFiles.in(TestFiles.root().resolve("models/tiny-klein")),
                        new LoadOptions(DType.FLOAT32, Device.CPU))
                .modelName("tiny-klein")
                .defaultSize(32, 32);
        return new TestServer(models.apply(builder).build(), settings.apply(ServerSettings.DEFAULT.withPort(0)));
    }

    static TemplateFolder example(String name) {
        return new TemplateFolder(TestFiles.root().resolve("examples").resolve(name), TrustedCode.OWN);
    }

    URI uri(String path) {
        return URI.create(server.uri() + path);
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path)).timeout(LONG);
    }

    /// Sends a request; an answer in JSON must be as the description says.
    HttpResponse<byte[]> send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
        description.check(request.method(), request.uri().getPath(), response);
        return response;
    }

    HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
        return send(request(path).build());
    }

    HttpResponse<byte[]> post(String path, String json) throws IOException, InterruptedException {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    HttpResponse<byte[]> delete(String path) throws IOException, InterruptedException {
        return send(request(path).DELETE().build());
    }

    /// Opens a stream of events, whose lines are read as they come.
    HttpResponse<java.util.stream.Stream<String>> lines(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, HttpResponse.BodyHandlers.ofLines());
    }

    static JsonNode json(HttpResponse<byte[]> response) throws IOException {
        return Json.MAPPER.readTree(response.body());
    }

    /// Reads a JSON answer with this status.
    static JsonNode json(int status, HttpResponse<byte[]> response) throws IOException {
        assertThat(response.statusCode())
                .as(new String(response.body(), StandardCharsets.UTF_8))
                .isEqualTo(status);
        return json(response);
    }

    /// Sends bytes as they are, and returns the head and the beginning of the answer.
    String raw(String text) throws IOException {
        try (Socket socket = new Socket(server.uri().getHost(), server.uri().getPort())) {
            socket.setSoTimeout(Math.toIntExact(LONG.toMillis()));
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
