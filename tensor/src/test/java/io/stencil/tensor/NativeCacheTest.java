package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Libraries of some bytes, unpacked by [SlowUnpackingMain].
class NativeCacheTest {

    private static final List<String> LIBRARIES = List.of("org/a/libone.so", "org/a/libtwo.so.2", "org/b/libthree.so");
    private static final int SIZE = 1000;

    @TempDir
    private Path temporary;

    private Path folder;
    private Path jar;

    @BeforeEach
    void makeJar() throws IOException {
        folder = temporary.resolve("cache");
        jar = temporary.resolve("libraries.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                ZipOutputStream zip = new ZipOutputStream(file)) {
            for (String library : LIBRARIES) {
                zip.putNextEntry(new ZipEntry(library));
                zip.write(content(library));
            }
        }
    }

    private static byte[] content(String library) {
        byte[] content = new byte[SIZE];
        Arrays.fill(content, (byte) library.hashCode());
        return content;
    }

    private Path library(String name) {
        return folder.resolve("libraries.jar").resolve(name);
    }

    private void load(Runnable loading) {
        new NativeCache(folder, "test", List.of(jar)).load(loading);
    }

    private void unpack() {
        SlowUnpackingMain.load(folder, jar, 0);
    }

    private void assertUnpacked() {
        assertThat(LIBRARIES).allSatisfy(name -> assertThat(library(name)).hasBinaryContent(content(name)));
    }

    @Test
    void aLibraryCutShortIsGoneBeforeTheLoad() throws IOException {
        load(this::unpack);
        Files.write(library("org/a/libtwo.so.2"), new byte[SIZE - 1]);

        load(() -> {
            assertThat(library("org/a/libtwo.so.2")).doesNotExist();
            assertThat(library("org/a/libone.so")).exists();
            unpack();
        });
        assertUnpacked();
    }

    /// JavaCPP copies some libraries under a second name, which no jar has.
    @Test
    void aCutCopyUnderAnotherNameIsGoneBeforeTheLoad() throws IOException {
        Path copy = library("org/a/libcopy.so.0");
        load(() -> {
            unpack();
            write(copy, SIZE);
        });
        load(() -> assertThat(copy).hasSize(SIZE));

        write(copy, SIZE / 2);
        load(() -> assertThat(copy).doesNotExist());
    }

    /// A cache that no load of ours completed: whole libraries stay, copies that nothing vouches for go.
    @Test
    void aCacheOfAnEarlierVersionIsHealed() throws IOException {
        unpack();
        Files.write(library("org/b/libthree.so"), new byte[3]);
        Path copy = library("org/a/libcopy.so.0");
        write(copy, SIZE);

        load(() -> {
            assertThat(library("org/b/libthree.so")).doesNotExist();
            assertThat(copy).doesNotExist();
            assertThat(library("org/a/libone.so")).exists();
            unpack();
        });
        assertUnpacked();
    }

    @Test
    void threadsLoadOneByOneUntilTheFirstLoadIsComplete() throws InterruptedException {
        List<Integer> found = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.ofPlatform()
                    .start(() -> load(() -> {
                        int whole = (int) LIBRARIES.stream()
                                .filter(name -> Files.exists(library(name)))
                                .count();
                        unpack();
                        synchronized (found) {
                            found.add(whole);
                        }
                    })));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(found).containsExactlyInAnyOrder(0, 3, 3, 3);
        assertUnpacked();
    }

    @Test
    void aProcessKilledWhileItUnpacksLeavesNoCutLibraryToTheNext() throws IOException, InterruptedException {
        Process killed = start(600_000);
        try (BufferedReader said = killed.inputReader(StandardCharsets.UTF_8)) {
            assertThat(said.readLine()).startsWith("half of ");
            killed.destroyForcibly().waitFor();
        }
        assertThat(library(LIBRARIES.getFirst())).hasSize(SIZE / 2);

        assertThat(output(start(0))).endsWith("loaded, cut short: 0");
        assertUnpacked();
    }

    @Test
    void ofTwoFirstStartsAtOnceNoneSeesALibraryCutShort() throws IOException, InterruptedException {
        Process first = start(150);
        Process second = start(150);
        assertThat(output(first)).endsWith("loaded, cut short: 0");
        assertThat(output(second)).endsWith("loaded, cut short: 0");
        assertUnpacked();
    }

    @Test
    void aFolderThatCannotBeWrittenIsToldWithTheRemedy() throws IOException {
        Files.write(folder, new byte[1]);
        assertThatThrownBy(() -> load(this::unpack))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(folder + ": native libraries cannot be unpacked there")
                .hasMessageContaining("-Dorg.bytedeco.javacpp.cachedir=DIR");
    }

    private Process start(long millis) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        SlowUnpackingMain.class.getName(),
                        folder.toString(),
                        jar.toString(),
                        Long.toString(millis))
                .redirectErrorStream(true)
                .start();
    }

    private static String output(Process process) throws IOException, InterruptedException {
        try (InputStreamReader reader = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)) {
            String said = reader.readAllAsString().strip();
            assertThat(process.waitFor()).as(said).isZero();
            return said;
        }
    }

    private static void write(Path file, int bytes) {
        try {
            Files.write(file, new byte[bytes]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
