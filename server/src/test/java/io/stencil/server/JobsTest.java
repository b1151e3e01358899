package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.Location;
import io.stencil.image.ImageFormat;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.image.RgbImageReader;
import io.stencil.image.RgbImageWriter;
import io.stencil.json.Json;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobsTest {

    private static final Map<String, String> SCHEMAS = Map.of(
            "queued", "QueuedEvent",
            "started", "StartedEvent",
            "step", "StepEvent",
            "done", "DoneEvent",
            "failed", "FailedEvent",
            "cancelled", "CancelledEvent");

    private final TestServer server = TestServer.shared();

    private record Event(long id, String name, JsonNode data) {}

    private JsonNode submit(String fields) throws Exception {
        HttpResponse<byte[]> response = server.post("/api/jobs", "{\"prompt\": \"a red circle\", " + fields + "}");
        JsonNode job = TestServer.json(202, response);
        assertThat(response.headers().firstValue("Location"))
                .hasValue(job.path("url").textValue());
        return job;
    }

    /// Follows a job to its end; each event must be as the description says.
    private List<Event> events(JsonNode job, String lastId) throws Exception {
        HttpRequest.Builder request = server.request(job.path("url").textValue() + "/events");
        if (!lastId.isEmpty()) {
            request.header("Last-Event-ID", lastId);
        }
        List<Event> events = new ArrayList<>();
        List<String> lines = new ArrayList<>();
        Description description = Description.read();
        server.lines(request.build()).body().forEach(line -> {
            if (!line.isEmpty()) {
                lines.add(line);
                return;
            }
            String data = lines.get(2).substring("data: ".length());
            String name = lines.get(1).substring("event: ".length());
            try {
                description.check(
                        Objects.requireNonNull(SCHEMAS.get(name), name), data.getBytes(StandardCharsets.UTF_8));
                events.add(new Event(
                        Long.parseLong(lines.get(0).substring("id: ".length())), name, Json.MAPPER.readTree(data)));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
            lines.clear();
        });
        return events;
    }

    @Test
    void aJobRunsAndItsImagesAreRead() throws Exception {
        JsonNode job =
                submit("\"n\": 2, \"size\": \"48x32\", \"steps\": 3, \"guidance\": 1, \"seed\": 9, \"previews\": 1");
        List<Event> events = events(job, "");

        assertThat(events.getLast().name()).isEqualTo("done");
        assertThat(events).extracting(Event::name).contains("started", "step");
        assertThat(events).extracting(Event::id).isSorted().doesNotHaveDuplicates();
        JsonNode done = TestServer.json(200, server.get(job.path("url").textValue()));
        assertThat(done.path("state").textValue()).isEqualTo("done");
        assertThat(done.path("images"))
                .isEqualTo(events.getLast().data().path("images"))
                .hasSize(2);
        assertThat(done.path("images").path(1).path("seed").intValue()).isEqualTo(10);
        for (JsonNode image : done.path("images")) {
            HttpResponse<byte[]> png = server.get(image.path("url").textValue());
            assertThat(png.headers().firstValue("Content-Type")).hasValue("image/png");
            assertThat(RgbImageReader.read(png.body(), Location.ofField("body")).size())
                    .isEqualTo(new ImageSize(48, 32));
        }
        HttpResponse<byte[]> jpeg =
                server.get(done.path("images").path(0).path("url").textValue() + "?format=jpeg");
        assertThat(jpeg.headers().firstValue("Content-Type")).hasValue("image/jpeg");
        assertThat(jpeg.body()).startsWith(0xFF, 0xD8, 0xFF);
        assertThat(TestServer.json(200, server.get("/api/jobs")).path("jobs"))
                .anyMatch(listed -> listed.path("id").equals(job.path("id")));
    }

    @Test
    void eventsGoOnAfterTheLastOneSeen() throws Exception {
        JsonNode job = submit("\"size\": \"32x32\", \"steps\": 4, \"guidance\": 1");
        List<Event> all = events(job, "");
        Event seen = all.stream()
                .filter(event -> event.name().equals("step"))
                .findFirst()
                .orElseThrow();
        List<Event> rest = events(job, String.valueOf(seen.id()));

        assertThat(rest).isNotEmpty().allMatch(event -> event.id() > seen.id());
        assertThat(rest.getLast()).isEqualTo(all.getLast());
        assertThat(events(job, String.valueOf(all.getLast().id()))).isEmpty();
    }

    @Test
    void aJobIsCancelled() throws Exception {
        try (TestServer endless = TestServer.start(builder -> builder.maxSteps(1000), settings -> settings)) {
            String body = "{\"prompt\": \"a\", \"size\": \"512x512\", \"guidance\": 1, \"steps\": 1000}";
            JsonNode running = TestServer.json(202, endless.post("/api/jobs", body));
            JsonNode waiting = TestServer.json(202, endless.post("/api/jobs", body));
            assertThat(endless.get(waiting.path("url").textValue() + "/images/0")
                            .statusCode())
                    .isEqualTo(409);
            for (JsonNode job : List.of(waiting, running)) {
                TestServer.json(202, endless.delete(job.path("url").textValue()));
                assertThat(endless.service
                                .job(job.path("id").textValue())
                                .orElseThrow()
                                .result())
                        .failsWithin(TestServer.LONG);
                assertThat(TestServer.json(200, endless.get(job.path("url").textValue()))
                                .path("state")
                                .textValue())
                        .isEqualTo("cancelled");
            }
        }
    }

    @Test
    void imagesMayBeInputs() throws Exception {
        String red = Base64.getEncoder()
                .encodeToString(
                        RgbImageWriter.encode(RgbImage.filled(new ImageSize(32, 32), 0xC03020), ImageFormat.PNG, null));
        JsonNode job = submit("""
                "input_image": "%s", "strength": 0.5, "edit_images": ["%s"], "steps": 2, "guidance": 1,
                "templates": [{"name": "palette", "inputs": {"image": "data:image/png;base64,%s"}}]""".formatted(red, red, red));

        assertThat(events(job, "").getLast().name()).isEqualTo("done");
        assertThat(TestServer.json(200, server.get(job.path("url").textValue()))
                        .path("images")
                        .path(0)
                        .path("size")
                        .textValue())
                .isEqualTo("32x32");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/api/jobs/none | 404 | There is no job 'none' here",
                "/api/jobs/none/events | 404 | There is no job",
                "/api/jobs/none/images/0 | 404 | There is no job",
                "/api/nothing | 404 | Invalid URL (GET /api/nothing)",
                "/v1/images/generations | 405 | Not allowed to GET on /v1/images/generations",
                "/v1/models/none | 404 | The model 'none' does not exist"
            })
    void whatIsNotThereIsRefused(String path, int status, String message) throws Exception {
        JsonNode error = TestServer.json(status, server.get(path)).path("error");

        assertThat(error.path("message").textValue()).contains(message);
        assertThat(error.path("type").textValue()).isEqualTo("invalid_request_error");
    }

    @Test
    void aJobHasNoMoreImagesThanWereRequested() throws Exception {
        JsonNode job = submit("\"size\": \"32x32\", \"steps\": 1, \"guidance\": 1");
        events(job, "");

        for (String number : List.of("1", "-1", "x", "99999999999")) {
            assertThat(server.get(job.path("url").textValue() + "/images/" + number)
                            .statusCode())
                    .isEqualTo(404);
        }
        assertThat(server.get(job.path("url").textValue() + "/images/0?format=bmp")
                        .statusCode())
                .isEqualTo(400);
    }
}
