package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.tensor.NativeCache.NativeLibrary;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
        new NativeCache(folder, "test", List.of(jar), List::of, _ -> {}).load(loading);
    }

    /// A cache that knows what JavaCPP unpacks: all of the jar, and one library under a second name too.
    private NativeCache cache(Consumer<String> notices) {
        List<NativeLibrary> libraries = new ArrayList<>();
        LIBRARIES.forEach(entry -> libraries.add(
                new NativeLibrary(jar, entry, Path.of(entry).getFileName().toString())));
        libraries.add(new NativeLibrary(jar, LIBRARIES.getFirst(), "libcopy.so.0"));
        return new NativeCache(folder, "test", List.of(jar), () -> libraries, notices);
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

    /// JavaCPP unpacks a file again whose size or time is not that in the jar.
    @Test
    void allLibrariesAreInPlaceBeforeTheLoad() throws IOException {
        Path copy = library("org/a/libcopy.so.0");
        long time;
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            time = zip.getEntry(LIBRARIES.getFirst()).getTime();
        }
        Files.createDirectories(folder.resolve(".stencil-unpacking-of-a-killed-process/a"));
        Files.write(folder.resolve(".stencil-unpacking-of-a-killed-process/a/lib.so"), new byte[SIZE / 2]);

        cache(NativeCacheTest::fail).load(() -> {
            assertUnpacked();
            assertThat(copy).hasBinaryContent(content(LIBRARIES.getFirst()));
            assertThat(List.of(copy, library(LIBRARIES.getFirst())))
                    .allSatisfy(file -> assertThat(file.toFile().lastModified()).isEqualTo(time));
        });
        assertThat(names(folder)).containsExactly(".stencil-test.list", ".stencil.lock", "libraries.jar");

        write(copy, SIZE / 2);
        Files.setLastModifiedTime(library(LIBRARIES.getLast()), FileTime.fromMillis(0));
        cache(NativeCacheTest::fail).load(() -> {
            assertUnpacked();
            assertThat(copy).hasBinaryContent(content(LIBRARIES.getFirst()));
            assertThat(library(LIBRARIES.getLast()).toFile().lastModified()).isEqualTo(time);
        });
    }

    @Test
    void withoutLocksAWarningAndTheSameLibraries() {
        List<String> notices = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            cache(notices::add).load(this::assertUnpacked, (_, _, _) -> null);
        }
        assertThat(notices)
                .containsExactly("the file system of '%s' provides no locks; take care that no other process unpacks"
                                .formatted(folder)
                        + " libtorch there");
        assertThat(names(folder)).containsExactly(".stencil-test.list", "libraries.jar");
    }

    @Test
    @Timeout(600)
    void whoWaitsForAnotherSaysSoOnce() throws InterruptedException {
        List<String> notices = new CopyOnWriteArrayList<>();
        CountDownLatch loads = new CountDownLatch(1);
        CountDownLatch waits = new CountDownLatch(1);
        Thread first = Thread.ofPlatform()
                .start(() -> cache(NativeCacheTest::fail).load(() -> {
                    loads.countDown();
                    await(waits);
                }));
        await(loads);
        cache(notice -> {
                    notices.add(notice);
                    waits.countDown();
                })
                .load(this::assertUnpacked);
        first.join();
        assertThat(notices)
                .containsExactly("waiting for another process that unpacks libtorch into '%s' ...".formatted(folder));
    }

    @Test
    void aCompleteCacheThatMayOnlyBeReadLoads() {
        NativeCache.Locks readOnly = (file, _, _) -> {
            throw new FileSystemException(file.toString(), null, "Read-only file system");
        };
        assertThatThrownBy(() -> cache(NativeCacheTest::fail).load(this::unpack, readOnly))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("Read-only file system");

        cache(NativeCacheTest::fail).load(this::assertUnpacked);
        cache(NativeCacheTest::fail).load(this::assertUnpacked, readOnly);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void fail(String notice) {
        throw new AssertionError(notice);
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
