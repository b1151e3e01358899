package io.stencil.springboot;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.stencil.service.ImageService;
import io.stencil.service.JobTimings;
import io.stencil.service.ServiceStatus;
import java.util.function.ToDoubleFunction;

/// Binds the state of an [ImageService] to a registry, under the names that `stencil serve` has.
final class StencilMetrics implements MeterBinder {

    private static final String SECONDS = "seconds";

    private final ImageService service;

    StencilMetrics(ImageService service) {
        this.service = service;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge("stencil.queue.length", "Jobs that wait", ServiceStatus::queued).register(registry);
        gauge("stencil.queue.capacity", "Largest number of jobs that wait", ServiceStatus::capacity)
                .register(registry);
        gauge("stencil.jobs.running", "Jobs that workers are at", ServiceStatus::running)
                .register(registry);
        gauge(
                        "stencil.step.recent",
                        "Mean time of the latest denoising steps",
                        status -> status.secondsPerStep().orElse(Double.NaN))
                .baseUnit(SECONDS)
                .register(registry);
        gauge(
                        "stencil.job.recent",
                        "Mean time of the latest jobs from start to end",
                        status -> status.secondsPerJob().orElse(Double.NaN))
                .baseUnit(SECONDS)
                .register(registry);
        count(registry, "done", ServiceStatus::done);
        count(registry, "failed", ServiceStatus::failed);
        count(registry, "cancelled", ServiceStatus::cancelled);
        count(registry, "refused", ServiceStatus::refused);
        service.observe(new JobTimings(
                timer(registry, "stencil.job.wait", "Time of jobs in the queue")::record,
                timer(registry, "stencil.step", "Time from one denoising step to the next")::record,
                timer(registry, "stencil.job", "Time of jobs from start to end")::record));
    }

    private static Timer timer(MeterRegistry registry, String name, String text) {
        return Timer.builder(name).description(text).register(registry);
    }

    private Gauge.Builder<ImageService> gauge(String name, String text, ToDoubleFunction<ServiceStatus> value) {
        return Gauge.builder(name, service, source -> value.applyAsDouble(source.status()))
                .description(text);
    }

    private void count(MeterRegistry registry, String result, ToDoubleFunction<ServiceStatus> value) {
        FunctionCounter.builder("stencil.jobs", service, source -> value.applyAsDouble(source.status()))
                .tag("result", result)
                .description("Jobs that ended, and requests that found the queue full")
                .register(registry);
    }
}
