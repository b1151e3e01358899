package io.stencil.service;

import io.stencil.error.Arguments;
import io.stencil.error.StencilException;
import io.stencil.image.ImageFormat;
import io.stencil.image.RgbImageWriter;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.pipeline.GenerationParameters;
import io.stencil.tensor.CancellationToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A request that an [ImageService] has accepted. All methods may be called from any thread, also after the service is
/// closed.
public final class GenerationJob {

    /// Where a job is. It begins [#QUEUED] and ends in one of the last three.
    public enum State {
        QUEUED,
        RUNNING,
        DONE,
        FAILED,
        CANCELLED;

        /// Whether the state changes no more.
        public boolean isFinal() {
            return this != QUEUED && this != RUNNING;
        }
    }

    /// Delivers events until it is closed.
    public interface Subscription extends AutoCloseable {

        /// Ends the delivery, after the event that the listener is at.
        @Override
        void close();
    }

    private static final int MAX_WARNINGS = 100;

    private final String id;
    private final ImageRequest request;
    private final Plan plan;
    private final Consumer<GenerationJob> canceller;
    private final EventLog events;
    private final CompletableFuture<List<GeneratedImage>> result = new CompletableFuture<>();
    private final List<String> warnings = new CopyOnWriteArrayList<>();
    private final Instant submitted = Instant.now();
    private State state = State.QUEUED;
    private int place;
    private int step;
    private int steps;
    private @Nullable Instant started;
    private @Nullable Instant finished;
    private final CancellationToken token = new CancellationToken();
    private List<GenerationParameters> parameters = List.of();

    /// @param request with its seeds
    /// @param canceller takes the job from the queue
    GenerationJob(String id, ImageRequest request, Plan plan, Consumer<GenerationJob> canceller) {
        this.id = id;
        this.request = request;
        this.plan = plan;
        this.canceller = canceller;
        this.events = new EventLog(id);
    }

    /// A name that no other job has and nobody can guess.
    public String id() {
        return id;
    }

    /// The request, with the seeds that the service drew where it had none.
    public ImageRequest request() {
        return request;
    }

    public synchronized State state() {
        return state;
    }

    /// The place in the queue: 1 is the next to start, 0 once the job has started or ended.
    public synchronized int place() {
        return state == State.QUEUED ? place : 0;
    }

    /// The number of denoising steps done.
    public synchronized int step() {
        return step;
    }

    /// The number of denoising steps of the job, as [JobEvent.Step] counts them; 0 before the first is done.
    public synchronized int steps() {
        return steps;
    }

    public Instant submitted() {
        return submitted;
    }

    public synchronized Optional<Instant> started() {
        return Optional.ofNullable(started);
    }

    public synchronized Optional<Instant> finished() {
        return Optional.ofNullable(finished);
    }

    /// Values of the request that have no effect or not the whole of it, one line each: a prompt that is cut, a size
    /// that is rounded up.
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    /// Delivers the events of the job to a listener, on a thread of its own and in order: those so far, then each as it
    /// comes. What the listener throws is logged. A listener that is slow misses places in the queue and previews that
    /// newer ones replace, and no other event.
    ///
    /// @return ends the delivery; need not be closed, since the last event ends it too
    public Subscription subscribe(Consumer<JobEvent> listener) {
        return events.subscribe(Arguments.require("listener", listener));
    }

    /// Cancels the job. One that waits is cancelled at once, one that runs at the next layer of a model; one that has
    /// ended stays as it is.
    public void cancel() {
        token.cancel();
        canceller.accept(this);
    }

    /// The images, in the order of their seeds. The future fails with the [StencilException] of the job, or with a
    /// [CancellationException]. To cancel or complete the future itself has no effect on the job.
    public CompletableFuture<List<GeneratedImage>> result() {
        CompletableFuture<List<GeneratedImage>> copy = new CompletableFuture<>();
        // What depends on one copy may block: it shall hold up neither the worker nor the other copies.
        Executor thread = result.isDone() ? Runnable::run : Thread::startVirtualThread;
        CompletableFuture<?> _ = result.whenCompleteAsync(
                (images, fault) -> {
                    if (fault == null) {
                        copy.complete(images);
                    } else {
                        copy.completeExceptionally(fault);
                    }
                },
                thread);
        return copy;
    }

    /// The parameters of each image, in the order of the seeds, from which [GenerationParameters#texts] makes the texts
    /// that an image file carries; empty unless the job is done. Templates and LoRAs have the names that the service
    /// gives them, and an image among the inputs of a Template is the SHA-256 of its pixels.
    public synchronized List<GenerationParameters> parameters() {
        return parameters;
    }

    /// Encodes an image of a job that is done, as a file that carries its parameters.
    ///
    /// @param index of the image, from 0, in the order of the seeds
    /// @return the bytes of the file
    public byte[] encode(int index, ImageFormat format) {
        try {
            return RgbImageWriter.encode(
                    result.join().get(index).image(),
                    format,
                    parameters().get(index).texts());
        } catch (IOException fault) { // in memory
            throw new UncheckedIOException(fault);
        }
    }

    synchronized void record(List<GenerationParameters> ofImages) {
        parameters = List.copyOf(ofImages);
    }

    /// Waits for the images. A thread that is interrupted meanwhile stays so, and cancels the job; so does the end of
    /// the time.
    ///
    /// @param time for which to wait, the time in the queue included
    /// @return the images, in the order of their seeds
    /// @throws StencilException of the job
    /// @throws CancellationException when the thread was interrupted, or another one has cancelled the job
    /// @throws TimeoutException when the time is over
    public List<GeneratedImage> await(Duration time) throws TimeoutException {
        try {
            return result.get(Arguments.require("time", time).toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            cancel();
            Thread.currentThread().interrupt();
            throw new CancellationException("job %s was cancelled: its thread was interrupted".formatted(id));
        } catch (TimeoutException _) {
            cancel();
            throw new TimeoutException("job %s was cancelled: it had no images after %s seconds (timeout)"
                    .formatted(id, time.toSeconds()));
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof StencilException fault) {
                throw fault;
            }
            throw new IllegalStateException(failed);
        }
    }

    long previewBytes() {
        return events.previewBytes();
    }

    Plan plan() {
        return plan;
    }

    CancellationToken token() {
        return token;
    }

    /// Enters a place in the queue.
    synchronized void queue(int newPlace) {
        if (place != newPlace) {
            place = newPlace;
            events.add(new JobEvent.Queued(newPlace));
        }
    }

    synchronized void start() {
        state = State.RUNNING;
        started = Instant.now();
        events.add(new JobEvent.Started());
    }

    void warn(String message) {
        if (warnings.size() < MAX_WARNINGS) {
            warnings.add(message);
        }
    }

    synchronized void step(JobEvent.Step event) {
        step = event.step();
        steps = event.of();
        events.add(event);
    }

    /// Ends the job.
    ///
    /// @param last event of the job
    void finish(JobEvent last) {
        synchronized (this) {
            state = switch (last) {
                case JobEvent.Done _ -> State.DONE;
                case JobEvent.Failed _ -> State.FAILED;
                case JobEvent.Cancelled _ -> State.CANCELLED;
                case JobEvent.Queued _, JobEvent.Started _, JobEvent.Step _ ->
                    throw new IllegalStateException("no last event: " + last);
            };
            finished = Instant.now();
            events.add(last);
        }
        switch (last) {
            case JobEvent.Done done -> result.complete(done.images());
            case JobEvent.Failed failed -> result.completeExceptionally(failed.fault());
            default -> result.completeExceptionally(new CancellationException("job %s was cancelled".formatted(id)));
        }
    }
}
