package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A tab of a headless Chromium, driven over the DevTools protocol, that records every request of its page.
final class Chromium implements AutoCloseable {

    /// Makes a machine without Chromium fail the tests, which are skipped there otherwise.
    private static final String REQUIRED = "STENCIL_REQUIRE_CHROMIUM";

    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome");
    private static final long SECONDS = 60;

    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final Map<Integer, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private int calls;

    /// Starts Chromium, or skips the test where there is none.
    ///
    /// @param folder empty; gets the browser's profile
    Chromium(Path folder) throws IOException, InterruptedException {
        Optional<Path> program = program();
        if (!Boolean.parseBoolean(System.getenv(REQUIRED))) {
            assumeTrue(program.isPresent(), "skipped: none of " + NAMES + " is on the PATH; apt-get install chromium");
        }
        assertThat(program)
                .as("one of %s on the PATH, as %s is set", NAMES, REQUIRED)
                .isPresent();
        List<String> command = new ArrayList<>(List.of(
                program.orElseThrow().toString(),
                "--headless",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--window-size=1200,4000",
                "--remote-debugging-port=0",
                "--user-data-dir=" + folder.resolve("profile")));
        if (System.getProperty("user.name").equals("root")) {
            command.add("--no-sandbox"); // which Chromium demands of root
        }
        command.add("about:blank");
        Path log = folder.resolve("log");
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            socket = http.newWebSocketBuilder()
                    .buildAsync(URI.create(tab(folder.resolve("profile/DevToolsActivePort"), log)), new Messages())
                    .join();
            call("Network.enable", parameters());
        } catch (IOException | InterruptedException | RuntimeException | Error e) {
            kill();
            throw e;
        }
    }

    private static Optional<Path> program() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /// Waits until the browser listens and has its tab, and returns the address of its debugger.
    private String tab(Path portFile, Path log) throws IOException, InterruptedException {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS); System.nanoTime() < end; ) {
            List<String> lines = Files.exists(portFile) ? Files.readAllLines(portFile) : List.of();
            if (lines.size() == 2) {
                URI list = URI.create("http://127.0.0.1:%s/json/list".formatted(lines.getFirst()));
                String found = http.send(HttpRequest.newBuilder(list).build(), BodyHandlers.ofString())
                        .body();
                for (JsonNode target : Json.MAPPER.readTree(found)) {
                    if (target.path("type").asText().equals("page")) {
                        return target.path("webSocketDebuggerUrl").asText();
                    }
                }
            }
            assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
            Thread.sleep(20);
        }
        throw new AssertionError("Chromium does not listen: " + Files.readString(log));
    }

    /// Opens a page.
    void open(URI page) throws InterruptedException {
        call("Page.navigate", parameters().put("url", page.toString()));
    }

    /// Evaluates an expression in the page as soon as `condition` is true there.
    String evaluate(String condition, String expression) throws InterruptedException {
        String last = "";
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS); System.nanoTime() < end; ) {
            last = value("(%s) ? String(%s) : 'not yet: ' + document.body.innerText".formatted(condition, expression));
            if (!last.startsWith("not yet: ")) {
                return last;
            }
            Thread.sleep(50);
        }
        throw new AssertionError("%s is false; the page shows: %s".formatted(condition, last));
    }

    private String value(String expression) throws InterruptedException {
        JsonNode answer = call("Runtime.evaluate", parameters().put("expression", expression));
        // Between two pages there is nothing to evaluate in.
        return answer.path("result").path("result").path("value").asText("not yet: " + answer);
    }

    /// Addresses of all requests so far.
    List<String> requests() {
        return List.copyOf(requests);
    }

    private static ObjectNode parameters() {
        return Json.MAPPER.createObjectNode();
    }

    private JsonNode call(String method, ObjectNode parameters) throws InterruptedException {
        int id = ++calls;
        BlockingQueue<JsonNode> answer = new LinkedBlockingQueue<>();
        answers.put(id, answer);
        ObjectNode message = parameters().put("id", id).put("method", method);
        message.set("params", parameters);
        socket.sendText(message.toString(), true).join();
        JsonNode found = answer.poll(SECONDS, TimeUnit.SECONDS);
        assertThat(found).as("an answer to %s", method).isNotNull();
        return found;
    }

    @Override
    public void close() {
        try {
            call("Browser.close", parameters()); // leaves no files of its own
            process.waitFor(SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            socket.abort();
            http.shutdownNow();
            kill();
        }
    }

    private void kill() {
        List<ProcessHandle> all = Stream.concat(process.descendants(), Stream.of(process.toHandle()))
                .toList();
        all.forEach(ProcessHandle::destroyForcibly);
        for (ProcessHandle one : all) {
            one.onExit().join(); // so that nothing writes to the profile when it is deleted
        }
    }

    private final class Messages implements WebSocket.Listener {

        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                accept(text.toString());
                text.setLength(0);
            }
            return WebSocket.Listener.super.onText(from, part, last);
        }

        private void accept(String json) {
            JsonNode message;
            try {
                message = Json.MAPPER.readTree(json);
            } catch (IOException e) {
                throw new AssertionError(json, e);
            }
            if (message.path("method").asText().equals("Network.requestWillBeSent")) {
                requests.add(message.path("params").path("request").path("url").asText());
            }
            BlockingQueue<JsonNode> answer = answers.remove(message.path("id").asInt(-1));
            if (answer != null) {
                answer.add(message);
            }
        }
    }
}
