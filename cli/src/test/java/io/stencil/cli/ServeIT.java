package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImageReader;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServeIT {

    private static final String LISTENING = "listening on ";

    @TempDir
    private Path folder;

    private final HttpClient client = HttpClient.newHttpClient();

    /// Starts a server on any free port, and waits until it listens.
    private StencilProcess start(Map<String, String> environment, String... options) throws Exception {
        String[] words = new String[options.length + 2];
        words[0] = "serve";
        words[1] = "--port=0";
        System.arraycopy(options, 0, words, 2, options.length);
        StencilProcess process = StencilProcess.start(folder, environment, words);
        while (process.outputSoFar().lines().count() < 2) {
            assertThat(process.process().isAlive()).as(process.errorsSoFar()).isTrue();
            Thread.sleep(20);
        }
        return process;
    }

    private static String address(StencilProcess process) throws IOException {
        String line = process.outputSoFar().lines().findFirst().orElseThrow();
        assertThat(line).startsWith(LISTENING);
        return line.substring(LISTENING.length(), line.indexOf(": ", LISTENING.length() + "http:".length()));
    }

    private HttpRequest.Builder request(String address, String path) {
        return HttpRequest.newBuilder(URI.create(address + path));
    }

    private static HttpRequest.BodyPublisher steps(String size, int steps) {
        return HttpRequest.BodyPublishers.ofString(
                "{\"prompt\": \"a\", \"size\": \"%s\", \"stencil\": {\"guidance\": 1, \"steps\": %s}}"
                        .formatted(size, steps));
    }

    @Test
    void theFirstCommandServesTheTinyModelAndStopsInOrder() throws Exception {
        StencilProcess process = start(Map.of("STENCIL_API_KEY", "a-long-secret"), "--max_steps=1000");
        String address = address(process);
        List<String> printed = process.outputSoFar().lines().toList();
        ProcessBuilder curl = new ProcessBuilder("sh", "-c", printed.get(1))
                .directory(folder.toFile())
                .redirectErrorStream(true);
        curl.environment().put("STENCIL_API_KEY", "a-long-secret");
        Process run = curl.start();
        String output = new String(run.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(printed.getFirst()).contains("tiny-klein", "brightness", "soft-rgb");
        assertThat(run.waitFor()).as(output).isZero();
        assertThat(RgbImageReader.read(folder.resolve("image.png")).size()).isEqualTo(new ImageSize(64, 64));
        assertThat(client.send(request(address, "/v1/models").build(), HttpResponse.BodyHandlers.ofString())
                        .statusCode())
                .isEqualTo(401);

        CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                request(address, "/v1/images/generations")
                        .header("Content-Type", "application/json")
                        .header("Authorization", "Bearer a-long-secret")
                        .POST(steps("32x32", 200))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        awaitRunning(address);
        process.process().destroy(); // SIGTERM
        StencilRun ended = process.await();

        assertThat(ended.exitCode()).as(ended.err()).isZero();
        assertThat(answer.join().statusCode()).isEqualTo(200);
        assertThat(answer.join().body()).contains("b64_json");
    }

    private void awaitRunning(String address) throws Exception {
        while (!client.send(request(address, "/readyz").build(), HttpResponse.BodyHandlers.ofString())
                .body()
                .contains("\"running\":1")) {
            Thread.sleep(5);
        }
    }

    @Test
    void aServerThatIsKilledLeavesNoFiles() throws Exception {
        StencilProcess process = start(
                Map.of(),
                "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                "--template=bright=" + TestFiles.root().resolve("examples/brightness"),
                "--max_steps=1000");
        String address = address(process);
        HttpResponse<String> models =
                client.send(request(address, "/v1/models").build(), HttpResponse.BodyHandlers.ofString());
        CompletableFuture<HttpResponse<String>> answer = client.sendAsync(
                request(address, "/v1/images/generations")
                        .header("Content-Type", "application/json")
                        .POST(steps("512x512", 1000))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        awaitRunning(address);
        process.process().destroyForcibly(); // SIGKILL
        process.await();

        assertThat(models.body()).contains("\"bright\"");
        assertThat(answer).failsWithin(java.time.Duration.ofMinutes(1));
        try (var files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @Test
    void optionsThatCannotBeUsedAreRefusedBeforeModelsAreLoaded() throws Exception {
        StencilRun.inProcess("serve", "--host=0.0.0.0").failed(1, "'api_key'", "STENCIL_API_KEY", "127.0.0.1");
        StencilRun.inProcess("serve", "--api_key=short").failed(1, "'api_key'", "8 or more");
        StencilRun.inProcess("serve", "--template=brightness").failed(1, "'template'", "NAME=PLACE");
        StencilRun.inProcess("serve", "--lora=a=1", "--lora=a=2").failed(1, "'lora'", "names 'a' twice");
        StencilRun.inProcess("serve", "--default_size=1024").failed(1, "'default_size'", "WIDTHxHEIGHT");
        StencilRun.inProcess("serve", "--public_url=images").failed(1, "'public_url'", "https://images.example.com");
        StencilRun.inProcess("serve", "--port=70000").failed(1, "'port'", "0 to 65535");
    }

    @Test
    void aPortThatIsTakenIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
            StencilRun.inProcess(
                            "serve",
                            "--model_paths=" + TestFiles.root().resolve("models/tiny-klein"),
                            "--port=" + taken.getLocalPort())
                    .failed(1, "port " + taken.getLocalPort(), "another program has it", "--port");
        }
    }
}
