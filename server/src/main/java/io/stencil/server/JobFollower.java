package io.stencil.server;

import io.stencil.error.InvalidStateException;
import io.stencil.pipeline.GeneratedImage;
import io.stencil.service.GenerationJob;
import io.stencil.service.ImageRequest;
import io.stencil.service.ImageService;
import io.stencil.service.JobEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Follows a job for a client: delivers its events on the client's thread, and notices when the client goes away.
final class JobFollower {

    /// Events that may wait for a slow client with their previews.
    private static final int MAX_AHEAD = 4;

    /// Time after which a closed connection is noticed.
    private static final Duration PROBE = Duration.ofMillis(100);

    /// Time between two comments in a stream without events.
    private static final Duration QUIET = Duration.ofSeconds(15);

    /// Receives events; an exception ends the stream.
    @FunctionalInterface
    interface Listener {
        void on(JobEvent event) throws IOException;
    }

    /// The client has closed its connection.
    static final class ClientGoneException extends IOException {
        private static final long serialVersionUID = 1L;

        ClientGoneException() {
            super("the client has closed the connection");
        }
    }

    private final Exchange exchange;
    private final GenerationJob job;

    JobFollower(Exchange exchange, GenerationJob job) {
        this.exchange = exchange;
        this.job = job;
    }

    /// Delivers the events, the last one included.
    ///
    /// @param stream kept alive between events; null for none
    /// @throws ClientGoneException when the client has closed its connection
    void follow(Exchange.@Nullable Events stream, Listener listener) throws IOException {
        BlockingQueue<JobEvent> events = new LinkedBlockingQueue<>();
        try (GenerationJob.Subscription _ =
                job.subscribe(event -> events.add(events.size() < MAX_AHEAD ? event : withoutPreviews(event)))) {
            long probed = System.nanoTime();
            long sent = probed;
            while (true) {
                JobEvent event = events.poll(PROBE.toMillis(), TimeUnit.MILLISECONDS);
                long now = System.nanoTime();
                if (event == null || now - probed > PROBE.toNanos()) {
                    probed = now;
                    if (exchange.isGone()) {
                        throw new ClientGoneException();
                    }
                }
                if (event != null) {
                    sent = now;
                    listener.on(event);
                    if (event.isLast()) {
                        return;
                    }
                } else if (stream != null && now - sent > QUIET.toNanos()) {
                    sent = now;
                    stream.keepAlive();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw ApiException.closing();
        }
    }

    private static JobEvent withoutPreviews(JobEvent event) {
        return event instanceof JobEvent.Step step
                ? new JobEvent.Step(step.step(), step.of(), step.first(), List.of())
                : event;
    }

    /// Queues a request.
    ///
    /// @throws ApiException when the service was closed meanwhile
    static GenerationJob submit(ImageService service, ImageRequest request) {
        try {
            return service.submit(request);
        } catch (InvalidStateException _) {
            throw ApiException.closing();
        }
    }

    /// Waits for the images of a job that is this request's own, and cancels it when the client goes away.
    ///
    /// @param stream kept alive between events; null for none
    /// @param steps receives the steps
    /// @throws ApiException when the job fails or is cancelled
    List<GeneratedImage> images(Exchange.@Nullable Events stream, Listener steps) throws IOException {
        JobEvent[] last = new JobEvent[1];
        boolean ended = false;
        try {
            follow(stream, event -> {
                last[0] = event;
                if (event instanceof JobEvent.Step) {
                    steps.on(event);
                }
            });
            ended = true;
        } finally {
            if (!ended) {
                job.cancel();
            }
        }
        return switch (last[0]) {
            case JobEvent.Done done -> done.images();
            case JobEvent.Failed failed -> throw failed.fault();
            default -> throw exchange.cancelled();
        };
    }
}
