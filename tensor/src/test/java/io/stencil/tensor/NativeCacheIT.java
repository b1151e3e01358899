package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// libtorch itself, in a cache of its own.
class NativeCacheIT {

    private static final long SOME_BYTES = 200L << 20;

    @TempDir
    private Path cache;

    @Test
    void libtorchLoadsAfterAKillWhileItIsUnpackedAndAfterItsFilesWereCut() throws IOException, InterruptedException {
        Process killed = start(SumMain.class);
        while (killed.isAlive() && bytes() < SOME_BYTES) {
            Thread.sleep(20);
        }
        assertThat(killed.isAlive()).isTrue();
        killed.destroyForcibly().waitFor();
        assertThat(files().filter(file -> !file.toString().contains("unpacking")))
                .as("libraries under their final names")
                .allSatisfy(file -> assertThat(file.toString()).doesNotContain(".jar"));

        assertLoads();

        cut("libtorch_cpu.so");
        cut("libmkl_core.so.2");
        cut("libopenblas.so.0");
        assertLoads();
    }

    /// JavaCPP finds what it needs, unpacks none of it again, and nothing more.
    @Test
    void javaCppUnpacksNothingItself() throws IOException, InterruptedException {
        assertThat(output(start(UnpackedMain.class)).lines().toList())
                .contains("replaced: []", "more: []")
                .anySatisfy(line -> assertThat(line)
                        .startsWith("unpacked: ")
                        .contains("libtorch_cpu.so", "libopenblas.so.0", "libjnitorch_gloo.so"));
    }

    private void assertLoads() throws IOException, InterruptedException {
        assertThat(output(start(SumMain.class))).endsWith("sum 6.0");
    }

    private static String output(Process process) throws IOException, InterruptedException {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.strip();
    }

    private Process start(Class<?> main) throws IOException {
        ProcessBuilder java = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.bytedeco.javacpp.cachedir=" + cache,
                "-XX:ErrorFile=" + cache.resolve("crash.log"),
                "-cp",
                System.getProperty("java.class.path"),
                main.getName());
        return java.redirectErrorStream(true).start();
    }

    private void cut(String name) throws IOException {
        Path file = files().filter(path -> path.endsWith(name) && !Files.isSymbolicLink(path))
                .findFirst()
                .orElseThrow();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() / 2);
        }
    }

    private long bytes() throws IOException {
        return files().mapToLong(NativeCacheIT::size).sum();
    }

    private Stream<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(cache)) {
            return files.filter(Files::isRegularFile).toList().stream();
        } catch (UncheckedIOException e) {
            return Stream.of(); // a file that was there is gone
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException gone) {
            return 0;
        }
    }
}
