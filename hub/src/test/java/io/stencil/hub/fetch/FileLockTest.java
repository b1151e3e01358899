package io.stencil.hub.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLockTest {

    @TempDir
    private Path folder;

    @Test
    void whoWaitsCanBeInterrupted() throws IOException, InterruptedException {
        Path file = folder.resolve("a.lock");
        AtomicReference<@Nullable Throwable> end = new AtomicReference<>();
        CountDownLatch waits = new CountDownLatch(1);
        try (FileLock _ = FileLock.take(file, () -> {})) {
            Thread waiting = Thread.ofVirtual().start(() -> {
                try (FileLock _ = FileLock.take(file, waits::countDown)) {
                    end.set(new IllegalStateException("taken twice"));
                } catch (IOException | InterruptedException e) {
                    end.set(e);
                }
            });
            waits.await();
            waiting.interrupt();
            waiting.join();
        }
        assertThat(end.get()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void whoWasInterruptedBeforeDoesNotBegin() throws IOException, InterruptedException {
        Thread.currentThread().interrupt();
        assertThatThrownBy(
                        () -> FileLock.take(folder.resolve("a.lock"), () -> {}).close())
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        FileLock.take(folder.resolve("a.lock"), () -> {}).close();
    }
}
