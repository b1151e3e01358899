package io.stencil.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTest {

    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve(FolderLock.FILE_NAME);
    }

    private FolderLock take() {
        return FolderLock.take(folder, "output_path", FolderLockTest::fail);
    }

    private static void fail(String warning) {
        throw new AssertionError(warning);
    }

    /// Also by another name of it, and the refusal releases nothing.
    @Test
    void aFolderIsHeldOnceInAProcess() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolveSibling(folder.getFileName() + "-link"), folder);
        try (FolderLock _ = take()) {
            for (Path name : new Path[] {folder, link, link}) {
                assertThatThrownBy(() -> FolderLock.take(name, "output_path", FolderLockTest::fail))
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessage("'output_path': '%s' is in use by another run (another run of this process); "
                                        .formatted(name)
                                + "wait until it ends, or name another folder");
            }
            assertThatThrownBy(() -> FolderLock.requireFree(folder, "resume")).hasMessageStartingWith("'resume': ");
        } finally {
            Files.delete(link);
        }
        assertThat(file()).doesNotExist();
        FolderLock.requireFree(folder, "resume");
        FolderLock.requireFree(folder.resolve("absent"), "resume");
        take().close();
    }

    @Test
    @Timeout(600)
    void anotherProcessIsNamedAndItsDeathReleasesTheFolder() throws IOException, InterruptedException {
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader output = holder.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).isEqualTo("held");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(this::take)
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageContaining("is in use by another run (process %s on ".formatted(holder.pid()));
            }
            holder.destroyForcibly().waitFor();
            assertThat(file()).exists();
            try (FolderLock _ = take()) {
                assertThat(file()).exists();
            }
            assertThat(file()).doesNotExist();
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    void aFolderThatIsMovedAwayIsReleasedAllTheSame() throws IOException {
        Path moved = folder.resolveSibling(folder.getFileName() + "-moved");
        try (FolderLock _ = take()) {
            Files.move(folder, moved);
            Files.writeString(folder, "in the way");
        }
        Files.delete(folder);
        Files.move(moved, folder);
        take().close();
    }

    @Test
    void aFileSystemWithoutLocksWarnsAndKeepsNoFile() {
        FileLock.Locking none = (_, _) -> {
            throw new IOException("No locks available");
        };
        List<String> warnings = new ArrayList<>();
        try (FolderLock _ = FolderLock.take(folder, "output_path", warnings::add, none)) {
            assertThat(file()).doesNotExist();
        }
        assertThat(warnings)
                .containsExactly(
                        "the file system of '%s' provides no locks; take care that no other run uses the folder"
                                .formatted(folder));
    }

    /// Holds a folder until it is killed.
    static final class Holder {
        private Holder() {}

        @SuppressWarnings("resource")
        public static void main(String[] words) throws InterruptedException {
            FolderLock.take(Path.of(words[0]), "output_path", FolderLockTest::fail);
            System.out.println("held");
            Thread.sleep(Long.MAX_VALUE);
        }
    }
}
