package io.stencil.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
        try (FileLock _ = FileLock.take(file, /* shared= */ false, () -> {})) {
            Thread waiting = Thread.ofVirtual().start(() -> {
                try (FileLock _ = FileLock.take(file, /* shared= */ false, waits::countDown)) {
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
        Path file = folder.resolve("a.lock");
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> FileLock.take(file, /* shared= */ false, () -> {}))
                .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        try (FileLock lock = FileLock.take(file, /* shared= */ false, () -> {})) {
            assertThat(lock).isNotNull();
        }
    }

    /// The system releases a file's lock when any channel of the process on it is closed.
    @Test
    void anInterruptedWaitReleasesNothing() throws IOException, InterruptedException {
        Path file = folder.resolve("a.lock");
        try (FileLock _ = FileLock.take(file, /* shared= */ false, () -> {})) {
            CountDownLatch waits = new CountDownLatch(1);
            Thread waiting = Thread.ofPlatform().start(() -> {
                try {
                    FileLock.take(file, /* shared= */ false, waits::countDown);
                } catch (IOException | InterruptedException _) { // as it should
                }
            });
            waits.await();
            waiting.interrupt();
            waiting.join();
            assertThat(isFreeForAnotherProcess(file)).isFalse();
        }
        assertThat(isFreeForAnotherProcess(file)).isTrue();
    }

    private static boolean isFreeForAnotherProcess(Path file) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Attempt.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        return answer.equals("LOCKED");
    }

    @Test
    void aFileSystemWithoutLocksGivesNoneAndKeepsNoFile() throws IOException, InterruptedException {
        Path file = folder.resolve("below/a.lock");
        FileLock.Locking none = (_, _) -> {
            throw new IOException("No locks available");
        };
        for (int i = 0; i < 2; i++) {
            assertThat(FileLock.take(file, /* shared= */ true, () -> {}, none)).isNull();
        }
        assertThat(file).doesNotExist();
    }

    /// Prints how one attempt ends.
    static final class Attempt {
        private Attempt() {}

        public static void main(String[] words) throws IOException {
            try (FileChannel channel = FileChannel.open(Path.of(words[0]), StandardOpenOption.WRITE)) {
                System.out.print(FileLock.attempt(channel, /* shared= */ false, FileLock.Locking.SYSTEM));
            }
        }
    }
}
