package io.stencil.service;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.Arguments;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.error.QueueFullException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.Flux2Pipeline.LoraMatch;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.template.load.InputBinder;
import io.stencil.template.load.TemplateFolder;
import io.stencil.template.load.TemplateSource;
import io.stencil.template.pipeline.TemplatePipeline;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Generates images for many callers: requests wait in a bounded queue, first in, first out, and one worker a device
/// takes them to its models. All methods may be called from any thread.
///
/// A base model is loaded once for each worker; Templates and LoRAs are switched from request to request. An image
/// follows from its request and seed alone, whatever the service does beside it.
public final class ImageService implements AutoCloseable {

    private static final Duration NO_BOUND = Duration.ofDays(36_500);
    private static final int MAX_README_BYTES = 256 << 10;

    private final ServiceSettings settings;
    private final JobQueue queue;
    private final KeptJobs jobs;
    private final RecentTimes times = new RecentTimes();
    private final List<Worker> workers = new ArrayList<>();
    private final List<ServedTemplate> templates = new ArrayList<>();
    private final List<ServedLora> loras = new ArrayList<>();
    private final ModelInfo model;
    private final Plan.Planner planner;
    private final List<JobTimings> timings = new CopyOnWriteArrayList<>();
    private final LongAdder done = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder cancelled = new LongAdder();
    private final LongAdder refused = new LongAdder();

    private ImageService(ServiceSettings settings) {
        this.settings = settings;
        this.jobs = new KeptJobs(settings.limits());
        this.queue = new JobQueue(settings.limits().queueSize(), jobs::add);
        try {
            for (LoadOptions load : settings.load()) {
                workers.add(new Worker(settings, load, queue, this::end));
            }
            Flux2Pipeline base = workers.getFirst().base();
            List<InputBinder<?>> binders = new ArrayList<>();
            settings.templates().forEach((name, source) -> {
                InputBinder<?> binder = source.inputBinder(base);
                binders.add(binder);
                templates.add(new ServedTemplate(served(name, source), binder.schema(), readme(source)));
            });
            settings.loras().forEach((name, file) -> loras.add(lora(base, name, file)));
            model = model(workers.getFirst());
            planner = new Plan.Planner(
                    settings,
                    model,
                    templates.stream().map(ServedTemplate::file).toList(),
                    binders,
                    loras.stream().map(ServedLora::file).toList());
        } catch (RuntimeException | Error e) {
            workers.forEach(Worker::close);
            throw e;
        }
    }

    /// Loads models, Templates and LoRAs, and starts a worker for each device. The caller closes the service.
    ///
    /// @throws io.stencil.error.StencilException when a file is absent, broken or does not fit the base model
    public static ImageService open(ServiceSettings settings) {
        ImageService service = new ImageService(Arguments.require("settings", settings));
        service.workers.forEach(Worker::start);
        return service;
    }

    private record ServedTemplate(
            ServedFile file, ObjectNode schema, @Nullable String readme) {

        TemplateInfo info() {
            return new TemplateInfo(file.name(), schema, file.latestHash(), readme);
        }
    }

    private static @Nullable String readme(TemplateSource source) {
        if (!(source instanceof TemplateFolder template)) {
            return null;
        }
        Path file = template.folder().resolve("README.md");
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(MAX_README_BYTES), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + e, e);
        }
    }

    private record ServedLora(ServedFile file, LoraMatch match) {

        LoraInfo info() {
            return new LoraInfo(file.name(), Objects.requireNonNull(file.latestHash()), match);
        }
    }

    private ServedFile served(String name, TemplateSource source) {
        if (!(source instanceof TemplateFolder template)) {
            return ServedFile.loaded(name, null);
        }
        ServedFile file = ServedFile.reread(name, template.folder());
        return settings.loading() == TemplatePipeline.Loading.LAZY ? file : ServedFile.loaded(name, file.hash());
    }

    private static ServedLora lora(Flux2Pipeline base, String name, Path path) {
        ServedFile file = ServedFile.reread(name, path);
        String _ = file.hash();
        LoraMatch match = base.loadLora(path, 1);
        base.clearLoras();
        return new ServedLora(file, match);
    }

    private ModelInfo model(Worker worker) {
        return new ModelInfo(
                settings.modelName() == null ? worker.model().name() : settings.modelName(),
                worker.base().models().kind(),
                worker.model(),
                settings.load().stream().map(load -> load.device().toString()).toList(),
                settings.defaultSize());
    }

    /// Puts a request into the queue; never waits.
    ///
    /// @return the job, which waits or already runs
    /// @throws io.stencil.error.InvalidRequestException naming the field that cannot be used; nothing is queued then
    /// @throws QueueFullException when as many jobs wait as the queue holds
    /// @throws InvalidStateException when the service is closed
    public GenerationJob submit(ImageRequest request) {
        queue.requireOpen();
        ImageRequest seeded = planner.seeded(Arguments.require("request", request));
        GenerationJob job = new GenerationJob(UUID.randomUUID().toString(), seeded, planner.plan(seeded), this::cancel);
        if (!queue.offer(job)) {
            refused.increment();
            Duration retryAfter = times.untilFree(running());
            throw new QueueFullException(
                    "the queue is full: %s jobs wait (queue_size); try again in %s seconds"
                            .formatted(queue.capacity(), retryAfter.toSeconds()),
                    retryAfter);
        }
        timings.forEach(receiver -> follow(job, receiver));
        return job;
    }

    /// Delivers the times of all jobs that are submitted from now on.
    public void observe(JobTimings receiver) {
        timings.add(Arguments.require("receiver", receiver));
    }

    private static void follow(GenerationJob job, JobTimings receiver) {
        long[] previous = {System.nanoTime(), 0};
        job.subscribe(event -> {
            long now = System.nanoTime();
            switch (event) {
                case JobEvent.Queued _ -> {}
                case JobEvent.Started _ -> previous[0] = now;
                case JobEvent.Step step -> {
                    long count = Math.max(1, step.step() - previous[1]);
                    receiver.stepped().accept(Duration.ofNanos((now - previous[0]) / count));
                    previous[0] = now;
                    previous[1] = step.step();
                }
                case JobEvent.Done _, JobEvent.Failed _, JobEvent.Cancelled _ ->
                    job.started().ifPresent(begin -> {
                        receiver.waited().accept(Duration.between(job.submitted(), begin));
                        job.finished().ifPresent(end -> receiver.ended().accept(Duration.between(begin, end)));
                    });
            }
        });
    }

    private List<RecentTimes.Progress> running() {
        List<RecentTimes.Progress> running = new ArrayList<>();
        for (Worker worker : workers) {
            worker.running()
                    .ifPresent(job -> running.add(new RecentTimes.Progress(
                            Duration.between(job.started().orElse(Instant.now()), Instant.now()),
                            job.step(),
                            job.steps(),
                            job.plan())));
        }
        return running;
    }

    /// Ends a job that waits; one that runs hears the request itself.
    private void cancel(GenerationJob job) {
        if (queue.remove(job)) {
            end(job, new JobEvent.Cancelled());
        }
    }

    private void end(GenerationJob job, JobEvent last) {
        List<GeneratedImage> images = List.of();
        switch (last) {
            case JobEvent.Done event -> {
                images = event.images();
                done.increment();
                times.add(Duration.between(job.started().orElseThrow(), Instant.now()), job.plan());
            }
            case JobEvent.Failed _ -> failed.increment();
            default -> cancelled.increment();
        }
        jobs.end(job, images);
        job.finish(last);
    }

    /// The job with this id: one that waits or runs, or one of the latest that have ended, as
    /// [ServiceSettings.Limits] says.
    public Optional<GenerationJob> job(String id) {
        return jobs.get(Arguments.require("id", id));
    }

    /// All jobs that [#job] finds, in the order of their submission.
    public List<GenerationJob> jobs() {
        return jobs.all();
    }

    /// The Templates that requests may name, in the order of the settings.
    public List<TemplateInfo> templates() {
        return templates.stream().map(ServedTemplate::info).toList();
    }

    /// The LoRAs that requests may name, in the order of the settings.
    public List<LoraInfo> loras() {
        return loras.stream().map(ServedLora::info).toList();
    }

    /// The base model and the defaults of requests.
    public ModelInfo model() {
        return model;
    }

    /// The settings, whose limits hold for requests.
    public ServiceSettings settings() {
        return settings;
    }

    public ServiceStatus status() {
        return new ServiceStatus(
                !queue.isClosed(),
                queue.size(),
                queue.capacity(),
                workers.size(),
                (int) workers.stream()
                        .filter(worker -> worker.running().isPresent())
                        .count(),
                done.sum(),
                failed.sum(),
                cancelled.sum(),
                refused.sum(),
                times.secondsPerStep(),
                times.secondsPerJob());
    }

    /// Refuses new requests, waits until all accepted jobs have ended, and frees the models. When the thread is
    /// interrupted meanwhile, it cancels the jobs that are left, and the thread stays interrupted. A second close does
    /// nothing.
    ///
    /// @throws InvalidStateException when a Template's code calls it on a worker's thread; nothing is closed then
    @Override
    public void close() {
        close(null);
    }

    /// Refuses new requests, waits until all accepted jobs have ended, but no longer than a time, cancels those that
    /// are left, and frees the models once workers have heard it.
    ///
    /// @param time from 0
    /// @throws InvalidStateException as [#close()] does
    public void close(@Nullable Duration time) {
        if (workers.stream().anyMatch(Worker::isCurrentThread)) {
            throw new InvalidStateException(
                    "close() was called by code that a job of this image service runs; call it from another thread");
        }
        queue.close();
        boolean interrupted = false;
        try {
            if (!awaitWorkers(time)) {
                cancelAll();
            }
        } catch (InterruptedException _) {
            interrupted = true;
            cancelAll();
        }
        while (true) {
            try {
                awaitWorkers(null);
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        workers.forEach(Worker::close);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void cancelAll() {
        jobs.all().forEach(GenerationJob::cancel);
    }

    /// @param time null for no bound
    /// @return false when the time is over before all workers have ended
    private boolean awaitWorkers(@Nullable Duration time) throws InterruptedException {
        Instant end = time == null ? Instant.MAX : Instant.now().plus(time);
        for (Worker worker : workers) {
            if (!worker.join(time == null ? NO_BOUND : Duration.between(Instant.now(), end))) {
                return false;
            }
        }
        return true;
    }
}
