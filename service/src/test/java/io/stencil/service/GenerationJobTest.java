package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.StencilException;
import io.stencil.error.TemplateException;
import io.stencil.pipeline.GeneratedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Events, cancellation and failures of jobs.
class GenerationJobTest {

    @TempDir
    private Path folder;

    private ImageService service;

    @BeforeEach
    void open() throws IOException {
        service = ImageService.open(TinyService.settings(folder).build());
    }

    @AfterEach
    void close() {
        service.close();
    }

    private void stillServes() throws Exception {
        assertThat(service.submit(TinyService.request().build()).result().get()).hasSize(1);
    }

    private static String words(JobEvent event) {
        return switch (event) {
            case JobEvent.Queued(int place) -> "queued " + place;
            case JobEvent.Started() -> "started";
            case JobEvent.Step step -> "%s of %s".formatted(step.step(), step.of());
            case JobEvent.Done done -> "%s images".formatted(done.images().size());
            case JobEvent.Failed failed -> failed.fault().getMessage();
            case JobEvent.Cancelled() -> "cancelled";
        };
    }

    @Test
    void aLateSubscriberGetsTheEventsSoFar() throws Exception {
        GenerationJob job = service.submit(TinyService.request().n(2).build());
        job.result().get();
        assertThat(Await.events(job))
                .extracting(GenerationJobTest::words)
                .containsExactly("queued 1", "started", "1 of 2", "2 of 2", "2 images");
        assertThat(job.step()).isEqualTo(2);
        assertThat(job.started().orElseThrow()).isAfterOrEqualTo(job.submitted());
        assertThat(job.finished().orElseThrow()).isAfterOrEqualTo(job.started().orElseThrow());
    }

    @Test
    void awaitReturnsTheImagesOrThrowsTheFault() throws Exception {
        Duration time = Duration.ofMinutes(1);
        GenerationJob job = service.submit(TinyService.request().n(2).build());
        assertThat(job.await(time)).isEqualTo(job.result().get());
        Hooks.set("fails", () -> {
            throw new UncheckedIOException(new IOException("from the hook"));
        });
        GenerationJob failing = service.submit(TinyService.hooked("fails"));
        assertThatThrownBy(() -> failing.await(time))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("from the hook");
    }

    @Test
    void anInterruptAndTheEndOfTheTimeCancelAnAwaitedJob() throws Exception {
        CountDownLatch latch = new CountDownLatch(1);
        GenerationJob running = service.submit(TinyService.waiting("running", latch));
        GenerationJob late = service.submit(TinyService.request().build());
        assertThatThrownBy(() -> late.await(Duration.ofMillis(1)))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("job %s was cancelled".formatted(late.id()));
        assertThat(late.state()).isEqualTo(GenerationJob.State.CANCELLED);
        GenerationJob interrupted = service.submit(TinyService.request().build());
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> interrupted.await(Duration.ofMinutes(1)))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("its thread was interrupted");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(interrupted.state()).isEqualTo(GenerationJob.State.CANCELLED);
        latch.countDown();
        assertThat(running.await(Duration.ofMinutes(1))).hasSize(1);
    }

    @Test
    void listenersThatThrowOrBlockHurtNoOne() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        GenerationJob job = service.submit(TinyService.waiting("listeners", open));
        List<String> faulty = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<String> last = new CompletableFuture<>();
        job.subscribe(_ -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        job.subscribe(event -> {
            faulty.add(words(event));
            if (event.isLast()) {
                last.complete(words(event));
            }
            throw new AssertionError("a listener's fault, which belongs into the log");
        });
        CompletableFuture<?> _ = job.result().thenAccept(_ -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        CompletableFuture<List<GeneratedImage>> result = job.result();
        open.countDown();
        assertThat(result.get()).hasSize(1);
        assertThat(last.get()).isEqualTo("1 images");
        assertThat(faulty).containsSubsequence("started", "1 of 2", "2 of 2", "1 images");
        stillServes();
        never.countDown();
    }

    @Test
    void aClosedSubscriptionGetsNoMoreEvents() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        CountDownLatch started = new CountDownLatch(1);
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        GenerationJob job = service.submit(TinyService.waiting("subscription", open));
        GenerationJob.Subscription subscription = job.subscribe(event -> {
            seen.add(words(event));
            if (event instanceof JobEvent.Started) {
                started.countDown();
            }
        });
        started.await();
        subscription.close();
        open.countDown();
        assertThat(Await.events(job)).extracting(GenerationJobTest::words).endsWith("1 images");
        assertThat(seen).endsWith("started");
    }

    @Test
    void aWaitingJobIsCancelledAtOnce() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        GenerationJob running = service.submit(TinyService.waiting("cancel waiting", open));
        Await.state(running, GenerationJob.State.RUNNING);
        GenerationJob first = service.submit(TinyService.request().build());
        GenerationJob second = service.submit(TinyService.request().build());
        assertThat(second.place()).isEqualTo(2);
        first.cancel();
        first.cancel();
        assertThat(first.state()).isEqualTo(GenerationJob.State.CANCELLED);
        assertThat(second.place()).isEqualTo(1);
        assertThat(running.state()).isEqualTo(GenerationJob.State.RUNNING);
        assertThatThrownBy(() -> first.result().get()).isInstanceOf(CancellationException.class);
        assertThat(Await.events(first)).extracting(GenerationJobTest::words).containsExactly("queued 1", "cancelled");
        open.countDown();
        second.result().get();
        assertThat(Await.events(second))
                .extracting(GenerationJobTest::words)
                .containsExactly("queued 1", "started", "1 of 2", "2 of 2", "1 images");
        second.cancel();
        assertThat(second.state()).isEqualTo(GenerationJob.State.DONE);
        assertThat(service.status().cancelled()).isEqualTo(1);
    }

    @Test
    void aRunningJobIsCancelledWithinAStep() throws Exception {
        GenerationJob job = service.submit(TinyService.request().steps(200).build());
        CountDownLatch stepped = new CountDownLatch(1);
        job.subscribe(event -> {
            if (event instanceof JobEvent.Step) {
                stepped.countDown();
            }
        });
        stepped.await();
        job.cancel();
        int step = job.step();
        assertThatThrownBy(() -> job.result().get()).isInstanceOf(CancellationException.class);
        assertThat(job.step()).isBetween(step, step + 1);
        assertThat(job.state()).isEqualTo(GenerationJob.State.CANCELLED);
        assertThat(job.result().isCancelled()).isTrue();
        stillServes();
    }

    /// The future is the caller's own.
    @Test
    void aCancelledFutureLeavesTheJobAlone() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        GenerationJob job = service.submit(TinyService.waiting("future", open));
        assertThat(job.result().cancel(true)).isTrue();
        open.countDown();
        assertThat(job.result().get()).hasSize(1);
    }

    private StencilException fault(GenerationJob job) throws InterruptedException {
        try {
            List<GeneratedImage> images = job.result().get();
            throw new AssertionError("images: " + images);
        } catch (ExecutionException e) {
            assertThat(job.state()).isEqualTo(GenerationJob.State.FAILED);
            StencilException fault = (StencilException) Objects.requireNonNull(e.getCause());
            assertThat(Await.events(job).getLast()).isEqualTo(new JobEvent.Failed(fault));
            return fault;
        }
    }

    @Test
    void aFaultOfATemplateFailsItsJobAlone() throws Exception {
        Hooks.set("faulty", () -> {
            throw new IllegalArgumentException("no such light");
        });
        assertThat(fault(service.submit(TinyService.hooked("faulty"))))
                .isInstanceOf(TemplateException.class)
                .hasMessageContaining("no such light");
        stillServes();
        assertThat(service.status().failed()).isEqualTo(1);
    }

    @Test
    void anErrorInAJobLeavesTheWorkerAlive() throws Exception {
        Hooks.set("full", () -> {
            throw new OutOfMemoryError("Java heap space");
        });
        Hooks.set("deep", () -> {
            throw new StackOverflowError();
        });
        assertThat(fault(service.submit(TinyService.hooked("full")))).hasMessageContaining("Java heap space");
        assertThat(fault(service.submit(TinyService.hooked("deep")))).hasMessageContaining("StackOverflowError");
        stillServes();
    }

    @Test
    void anInterruptInAJobLeavesTheWorkerAlive() throws Exception {
        Hooks.set("interrupt", () -> Thread.currentThread().interrupt());
        GenerationJob job = service.submit(TinyService.hooked("interrupt"));
        Await.events(job);
        stillServes();
    }

    @Test
    void theLatestPreviewsAreKept() throws Exception {
        GenerationJob job =
                service.submit(TinyService.request().steps(5).n(2).previews(2).build());
        job.result().get();
        List<JobEvent.Step> steps = Await.events(job).stream()
                .filter(JobEvent.Step.class::isInstance)
                .map(JobEvent.Step.class::cast)
                .toList();
        assertThat(steps).extracting(JobEvent.Step::step).containsExactly(1, 2, 3, 4, 5);
        assertThat(steps).extracting(step -> step.previews().size()).containsExactly(0, 0, 0, 2, 0);
        assertThat(steps.get(3).preview().orElseThrow().width()).isBetween(2, 32);
    }
}
