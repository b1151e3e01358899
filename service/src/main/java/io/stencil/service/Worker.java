package io.stencil.service;

import io.stencil.error.CancelledException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.error.StencilException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.pipeline.GenerationRequest;
import io.stencil.pipeline.ProgressListener;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.template.pipeline.TemplatePipeline;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// A pipeline on one device and the thread that takes jobs to it, one at a time.
final class Worker implements AutoCloseable {

    private static final System.Logger LOGGER = System.getLogger("io.stencil.service");

    private static final JobEvent.Failed LOST = new JobEvent.Failed(new InvalidRequestException(
            Location.ofField("width, height"),
            "out of memory of Java; make it smaller, or give Java more (-Xmx)",
            null));

    private final TemplatePipeline pipeline;
    private final GenerationParameters.Model model;
    private final JobQueue queue;
    private final BiConsumer<GenerationJob, JobEvent> ended;
    private final Thread thread;
    private volatile @Nullable GenerationJob running;

    /// Loads the models of a worker. Its thread is not started.
    ///
    /// @param ended receives each job that has ended, with its last event
    Worker(ServiceSettings settings, LoadOptions load, JobQueue queue, BiConsumer<GenerationJob, JobEvent> ended) {
        this.queue = queue;
        this.ended = ended;
        this.thread = Thread.ofPlatform()
                .name("stencil-worker-" + load.device())
                .daemon()
                .unstarted(this::run);
        LoadOptions cached = load.withCache(settings.limits().cacheBytes());
        GenerationParameters.Model local = GenerationParameters.Model.of(settings.files(), load);
        model = local.published(settings.modelName() == null ? local.name() : settings.modelName());
        Flux2Pipeline base = Flux2Pipeline.load(settings.files(), cached);
        try {
            pipeline = new TemplatePipeline(
                    base, List.copyOf(settings.templates().values()), settings.loading(), this::warn);
        } catch (RuntimeException | Error e) {
            base.close();
            throw e;
        }
    }

    private void warn(String message) {
        running().ifPresentOrElse(job -> job.warn(message), () -> LOGGER.log(System.Logger.Level.WARNING, message));
    }

    /// The base model, as images carry it: with names in place of the machine's paths.
    GenerationParameters.Model model() {
        return model;
    }

    Flux2Pipeline base() {
        return pipeline.base();
    }

    void start() {
        thread.start();
    }

    /// The job that the worker is at.
    Optional<GenerationJob> running() {
        return Optional.ofNullable(running);
    }

    boolean isCurrentThread() {
        return Thread.currentThread().equals(thread);
    }

    /// Waits until the queue is closed and empty and the last job has ended.
    ///
    /// @return false when the time is over before
    boolean join(Duration time) throws InterruptedException {
        return !thread.isAlive() || thread.join(time);
    }

    private void run() {
        for (GenerationJob job = queue.take(); job != null; job = queue.take()) {
            running = job;
            JobEvent last;
            try {
                last = result(job);
            } catch (Throwable _) { // such as memory that runs out again where its end was to be described
                last = LOST;
            }
            running = null;
            boolean _ = Thread.interrupted(); // which was of the job's code
            try {
                ended.accept(job, last);
            } catch (Throwable e) {
                LOGGER.log(System.Logger.Level.ERROR, "job %s could not be ended".formatted(job.id()), e);
            }
        }
    }

    /// Runs a job. Nothing that happens in it ends this thread, an [Error] neither.
    private JobEvent result(GenerationJob job) {
        try {
            if (job.token().isCancelled()) {
                return new JobEvent.Cancelled();
            }
            job.start();
            Plan plan = job.plan();
            List<Optional<String>> hashes = plan.hashes();
            List<GeneratedImage> images = pipeline.generateAll(
                    plan.request(), plan.seeds(), plan.positive(), plan.negative(), new Progress(job), job.token());
            if (!plan.hashes().equals(hashes)) { // the images would carry the hash of another file
                throw new InvalidStateException(
                        "a file of the Templates or LoRAs was replaced while the job ran; send the request again");
            }
            job.record(plan.parameters(model));
            return new JobEvent.Done(images);
        } catch (StencilException e) {
            return e instanceof CancelledException && job.token().isCancelled()
                    ? new JobEvent.Cancelled()
                    : new JobEvent.Failed(e);
        } catch (OutOfMemoryError e) {
            GenerationRequest request = job.plan().request();
            return new JobEvent.Failed(new InvalidRequestException(
                    Location.ofField("width, height"),
                    "out of memory of Java for an image of %s x %s pixels (%s); make it smaller, or give Java more (-Xmx)"
                            .formatted(request.width(), request.height(), e.getMessage()),
                    e));
        } catch (Throwable e) {
            LOGGER.log(System.Logger.Level.ERROR, "job %s failed by a fault of the program".formatted(job.id()), e);
            return new JobEvent.Failed(new InvalidStateException(
                    "the generation failed by a fault of the program (%s); its trace is in the log".formatted(e)));
        }
    }

    /// Passes the steps of a generation on as events.
    private record Progress(GenerationJob job) implements ProgressListener {

        @Override
        public void onStep(int done, int total) {
            job.step(new JobEvent.Step(done, total, 0, List.of()));
        }

        @Override
        public void onStep(int done, int total, Previews previews) {
            int interval = job.request().previewInterval();
            boolean shown = interval > 0 && done % interval == 0 && done < total;
            job.step(new JobEvent.Step(done, total, previews.first(), shown ? previews.images() : List.of()));
        }

        /// Passes a warning on, with the names of LoRAs in place of their files on this machine.
        @Override
        public void onWarning(String message) {
            String text = message;
            List<GenerationRequest.LoraUse> files = job.plan().request().loras();
            for (int i = 0; i < files.size(); i++) {
                text = text.replace(
                        files.get(i).file().toString(),
                        "LoRA '%s'".formatted(job.request().loras().get(i).name()));
            }
            job.warn(text);
        }
    }

    /// Frees the models. The thread must have ended.
    @Override
    public void close() {
        pipeline.close();
    }
}
