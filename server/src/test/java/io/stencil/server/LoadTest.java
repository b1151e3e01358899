package io.stencil.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.service.GenerationJob;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class LoadTest {

    private static final String GENERATIONS = "/v1/images/generations";
    private static final String BODY = "{\"prompt\": \"a red circle\", " + TestServer.SMALL + "}";

    private static final int CLIENTS = 200;

    @Test
    void twoHundredClientsAreServedOrRefusedAndNoneIsLost() throws Exception {
        TestServer server = TestServer.shared();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<HttpResponse<byte[]>>> answers = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                answers.add(threads.submit(() -> server.post(GENERATIONS, BODY)));
            }
            int served = 0;
            for (Future<HttpResponse<byte[]>> answer : answers) {
                HttpResponse<byte[]> response = answer.get();
                if (response.statusCode() == 200) {
                    served++;
                    assertThat(TestServer.json(response).path("data")).hasSize(1);
                } else {
                    JsonNode error = TestServer.json(429, response).path("error");
                    assertThat(error.path("code").textValue()).isEqualTo("rate_limit_exceeded");
                    assertThat(Integer.parseInt(
                                    response.headers().firstValue("Retry-After").orElseThrow()))
                            .isPositive();
                }
            }

            assertThat(served).isGreaterThanOrEqualTo(16);
            assertThat(server.service.status().queued()).isZero();
            assertThat(server.faults).isEmpty();
        }
    }

    @Test
    void aClientThatVanishesFreesItsPlace() throws Exception {
        try (TestServer server =
                TestServer.start(builder -> builder.maxSteps(1000).queueSize(1), settings -> settings)) {
            for (String stream : List.of("false", "true")) {
                List<GenerationJob> jobs = new ArrayList<>();
                List<Socket> clients = new ArrayList<>();
                for (int i = 0; i < 2; i++) { // one runs, one waits
                    Socket client = new Socket(
                            InetAddress.getLoopbackAddress(),
                            server.server.uri().getPort());
                    String body =
                            "{\"prompt\": \"a\", \"size\": \"512x512\", \"stream\": %s, \"stencil\": {\"steps\": 1000, \"guidance\": 1}}"
                                    .formatted(stream);
                    client.getOutputStream()
                            .write(
                                    "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s"
                                            .formatted(GENERATIONS, body.length(), body)
                                            .getBytes(StandardCharsets.US_ASCII));
                    clients.add(client);
                    jobs.add(next(server, jobs));
                    while (i == 0 && jobs.getFirst().state() == GenerationJob.State.QUEUED) {
                        Thread.sleep(5);
                    }
                }
                for (Socket client : clients) {
                    client.close();
                }
                for (GenerationJob job : jobs) {
                    assertThat(job.result()).failsWithin(TestServer.LONG);
                    assertThat(job.state()).isEqualTo(GenerationJob.State.CANCELLED);
                }
                TestServer.json(200, server.post(GENERATIONS, BODY));
            }
            assertThat(server.faults).isEmpty();
        }
    }

    /// Waits for a job that is not among these and has not ended.
    private static GenerationJob next(TestServer server, List<GenerationJob> known) throws InterruptedException {
        while (true) {
            for (GenerationJob job : server.service.jobs()) {
                if (!known.contains(job) && !job.state().isFinal()) {
                    return job;
                }
            }
            Thread.sleep(5);
        }
    }
}
