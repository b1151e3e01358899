package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class CatalogTest {

    private final TestServer server = TestServer.shared();

    @Test
    void templatesHaveTheSchemasOfTheirInputs() throws Exception {
        JsonNode templates = TestServer.json(200, server.get("/api/templates")).path("templates");

        assertThat(templates).hasSize(3);
        assertThat(templates.path(0).path("name").textValue()).isEqualTo("brightness");
        JsonNode scale =
                templates.path(0).path("input_schema").path("properties").path("scale");
        assertThat(scale.path("type").textValue()).isEqualTo("number");
        assertThat(templates.path(0).path("readme").textValue())
                .startsWith("# Brightness\n")
                .contains("`{\"scale\": 0.0}` is dark");
        JsonNode image =
                templates.path(1).path("input_schema").path("properties").path("image");
        assertThat(image.path("x-stencil-type").textValue()).isEqualTo("image");
    }

    @Test
    void modelsAreTheBaseModelAndTheTemplates() throws Exception {
        JsonNode models = TestServer.json(200, server.get("/v1/models")).path("data");

        assertThat(models.findValuesAsText("id")).containsExactly("tiny-klein", "brightness", "palette", "frame");
        assertThat(TestServer.json(200, server.get("/v1/models/frame"))).isEqualTo(models.path(3));
        assertThat(TestServer.json(200, server.get("/api/model")).path("name").textValue())
                .isEqualTo("tiny-klein");
        assertThat(TestServer.json(200, server.get("/api/loras")).path("loras")).isEmpty();
    }

    @Test
    void healthReadinessAndMetricsAreServed() throws Exception {
        TestServer.json(200, server.post("/v1/images/generations", "{\"prompt\": \"a\", " + TestServer.SMALL + "}"));

        assertThat(TestServer.json(200, server.get("/healthz")).path("status").textValue())
                .isEqualTo("ok");
        assertThat(TestServer.json(200, server.get("/readyz")).path("status").textValue())
                .isEqualTo("ready");
        HttpResponse<byte[]> metrics = server.get("/metrics");
        assertThat(metrics.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/plain");
        assertThat(new String(metrics.body(), StandardCharsets.UTF_8))
                .contains(
                        "# TYPE stencil_queue_length gauge",
                        "stencil_queue_capacity 16.0",
                        "stencil_jobs_total{result=\"done\"}",
                        "stencil_jobs_total{result=\"refused\"}",
                        "stencil_job_wait_seconds_count",
                        "stencil_step_seconds_bucket",
                        "stencil_memory_native_bytes",
                        "stencil_requests_seconds_count{method=\"POST\",route=\"/v1/images/generations\",status=\"200\"}");
    }

    @Test
    void theDescriptionHasTheRoutesOfTheServerAndNoOthers() throws Exception {
        JsonNode served = TestServer.json(200, server.get("/openapi.json"));

        assertThat(served.path("openapi").textValue()).isEqualTo("3.1.0");
        assertThat(Description.read().operations()).containsExactlyInAnyOrderElementsOf(server.server.routes());
    }

    @Test
    void aHeadRequestHasNoBody() throws Exception {
        HttpResponse<byte[]> head = server.send(server.request("/healthz")
                .method("HEAD", HttpRequest.BodyPublishers.noBody())
                .build());

        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
    }

    @Test
    void aStoppingServerFinishesItsJobsAndRefusesNewOnes() throws Exception {
        try (TestServer stopping = TestServer.start(builder -> builder.maxSteps(1000), settings -> settings)) {
            String body = "{\"prompt\": \"a\", \"size\": \"512x512\", \"guidance\": 1, \"steps\": %s}";
            JsonNode job = TestServer.json(202, stopping.post("/api/jobs", body.formatted(1000)));
            Thread stop = Thread.startVirtualThread(() -> stopping.server.stop(TestServer.LONG));
            HttpResponse<byte[]> refused = stopping.post("/api/jobs", body.formatted(1));
            while (refused.statusCode() == 202) { // sent before the thread began
                refused = stopping.post("/api/jobs", body.formatted(1));
            }

            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.headers().firstValue("Retry-After")).isPresent();
            assertThat(TestServer.json(503, stopping.get("/readyz"))
                            .path("status")
                            .textValue())
                    .isEqualTo("stopping");
            assertThat(TestServer.json(200, stopping.get(job.path("url").textValue()))
                            .path("state")
                            .textValue())
                    .isIn("queued", "running");
            stopping.delete(job.path("url").textValue());
            assertThat(stop.join(Duration.ofMinutes(1))).isTrue();
            assertThat(stopping.service.status().queued()).isZero();
        }
    }
}
