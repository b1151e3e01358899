package io.stencil.server;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.stencil.service.ImageService;
import io.stencil.service.JobTimings;
import io.stencil.service.ServiceStatus;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/// Measurements of the server in the text format of Prometheus.
final class Metrics {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String RESIDENT = "VmRSS:";
    private static final int KIB = 1 << 10;

    /// Methods that are counted by their names: any other word that a client sends would be a series of its own.
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Instant started = Instant.now();
    private final Counter abandoned;

    Metrics(ImageService service) {
        gauge(service, "stencil.queue.length", "Jobs that wait", ServiceStatus::queued);
        gauge(service, "stencil.queue.capacity", "Largest number of jobs that wait", ServiceStatus::capacity);
        gauge(service, "stencil.jobs.running", "Jobs that workers are at", ServiceStatus::running);
        counter(service, "done", ServiceStatus::done);
        counter(service, "failed", ServiceStatus::failed);
        counter(service, "cancelled", ServiceStatus::cancelled);
        counter(service, "refused", ServiceStatus::refused);
        service.observe(new JobTimings(
                timer("stencil.job.wait", "Time of jobs in the queue")::record,
                timer("stencil.step", "Time from one denoising step to the next")::record,
                timer("stencil.job", "Time of jobs from start to end")::record));
        abandoned = Counter.builder("stencil.clients.gone")
                .description("Clients that closed the connection before the answer")
                .register(registry);
        Gauge.builder("stencil.memory.resident", Metrics::residentBytes)
                .baseUnit("bytes")
                .description("Resident memory of the process")
                .register(registry);
        Gauge.builder("stencil.memory.native", Metrics::nativeBytes)
                .baseUnit("bytes")
                .description("Resident memory beside that of Java: weights in memory, tensors, libraries")
                .register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
    }

    private void gauge(ImageService service, String name, String text, ToDoubleFunction<ServiceStatus> value) {
        Gauge.builder(name, service, all -> value.applyAsDouble(all.status()))
                .description(text)
                .register(registry);
    }

    private void counter(ImageService service, String result, ToDoubleFunction<ServiceStatus> value) {
        FunctionCounter.builder("stencil.jobs", service, all -> value.applyAsDouble(all.status()))
                .tag("result", result)
                .description("Jobs that ended, and requests that found the queue full")
                .register(registry);
    }

    private Timer timer(String name, String text) {
        return Timer.builder(name)
                .description(text)
                .serviceLevelObjectives(
                        Duration.ofMillis(10),
                        Duration.ofMillis(100),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(30),
                        Duration.ofMinutes(2))
                .register(registry);
    }

    /// Counts a request.
    ///
    /// @param route path with names in place of what varies, so that there are few; `other` for none
    void request(String method, String route, int status, Duration time) {
        String known = METHODS.contains(method) ? method : "other";
        registry.timer("stencil.requests", Tags.of("method", known, "route", route, "status", String.valueOf(status)))
                .record(time);
    }

    void clientGone() {
        abandoned.increment();
    }

    Instant started() {
        return started;
    }

    /// `GET /metrics`.
    void send(Exchange exchange) throws IOException {
        exchange.send(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                registry.scrape().getBytes(StandardCharsets.UTF_8));
    }

    void close() {
        registry.close();
    }

    /// Returns NaN where the system does not say.
    private static double residentBytes() {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith(RESIDENT))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")) * KIB)
                    .findFirst()
                    .orElse(Double.NaN);
        } catch (IOException _) {
            return Double.NaN;
        }
    }

    private static double nativeBytes() {
        MemoryMXBean java = ManagementFactory.getMemoryMXBean();
        return residentBytes()
                - java.getHeapMemoryUsage().getCommitted()
                - java.getNonHeapMemoryUsage().getCommitted();
    }
}
