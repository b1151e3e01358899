package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The end of a service.
class CloseTest {

    @TempDir
    private Path folder;

    private ImageService service;

    @BeforeEach
    void open() throws IOException {
        service = ImageService.open(TinyService.settings(folder).build());
    }

    private List<GenerationJob> submit(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> service.submit(TinyService.request().seed(i).build()))
                .toList();
    }

    @Test
    void closeFinishesWhatWasAccepted() throws Exception {
        List<GenerationJob> jobs = submit(5);
        service.close();
        for (GenerationJob job : jobs) {
            assertThat(job.state()).isEqualTo(GenerationJob.State.DONE);
            assertThat(job.result().get()).hasSize(1);
        }
        assertThatThrownBy(() -> submit(1))
                .isInstanceOf(InvalidStateException.class)
                .hasMessage("the image service is closed; submit() needs an open one");
        assertThat(service.status().open()).isFalse();
        assertThat(service.job(jobs.getFirst().id())).contains(jobs.getFirst());
        service.close();
        service.close(Duration.ZERO);
    }

    @Test
    void closeWithATimeCancelsTheRest() throws Exception {
        GenerationJob running = service.submit(TinyService.request().steps(200).build());
        List<GenerationJob> waiting = submit(3);
        Await.state(running, GenerationJob.State.RUNNING);
        service.close(Duration.ZERO);
        assertThat(running.state()).isEqualTo(GenerationJob.State.CANCELLED);
        assertThat(waiting).extracting(GenerationJob::state).containsOnly(GenerationJob.State.CANCELLED);
        assertThat(Await.events(waiting.getLast())).endsWith(new JobEvent.Cancelled());
    }

    @Test
    void anInterruptWhileItClosesCancelsTheRest() throws Exception {
        GenerationJob running = service.submit(TinyService.request().steps(200).build());
        List<GenerationJob> waiting = submit(3);
        Await.state(running, GenerationJob.State.RUNNING);
        Thread.currentThread().interrupt();
        service.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(running.state()).isEqualTo(GenerationJob.State.CANCELLED);
        assertThat(waiting).extracting(GenerationJob::state).containsOnly(GenerationJob.State.CANCELLED);
    }

    @Test
    void theCodeOfAJobCannotCloseItsService() throws Exception {
        Hooks.set(
                "close",
                () -> assertThatThrownBy(service::close)
                        .isInstanceOf(InvalidStateException.class)
                        .hasMessage(
                                "close() was called by code that a job of this image service runs; call it from another"
                                        + " thread"));
        assertThat(service.submit(TinyService.hooked("close")).result().get()).hasSize(1);
        service.close();
    }

    @Test
    void aListenerMayCloseTheService() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        GenerationJob job = service.submit(TinyService.waiting("listener closes", open));
        CompletableFuture<Boolean> closed = new CompletableFuture<>();
        job.subscribe(event -> {
            if (event instanceof JobEvent.Started) {
                open.countDown();
                service.close();
                closed.complete(true);
            }
        });
        assertThat(closed.get()).isTrue();
        assertThat(job.state()).isEqualTo(GenerationJob.State.DONE);
    }
}
