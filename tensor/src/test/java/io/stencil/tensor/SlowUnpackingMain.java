package io.stencil.tensor;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// Unpacks the libraries of a jar as JavaCPP does, in place and slowly, and stands for the system's loader: it looks at
/// each library that is there, unpacked by whoever, and prints those that are cut short.
final class SlowUnpackingMain {

    private static final AtomicInteger CUT = new AtomicInteger();

    private SlowUnpackingMain() {}

    /// @param args folder of the cache, the jar, milliseconds between the two halves of a library
    public static void main(String[] args) {
        Path folder = Path.of(args[0]);
        Path jar = Path.of(args[1]);
        new NativeCache(folder, "test", List.of(jar), List::of, System.err::println)
                .load(() -> load(folder, jar, Long.parseLong(args[2])));
        System.out.println("loaded, cut short: " + CUT.get());
    }

    static void load(Path folder, Path jar, long millis) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                countCut(folder, jar, zip);
                Path file = folder.resolve(jar.getFileName()).resolve(entry.getName());
                if (!isThere(file, entry)) {
                    unpack(zip, entry, file, millis);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isThere(Path file, ZipEntry entry) throws IOException {
        return Files.exists(file)
                && Files.size(file) == entry.getSize()
                && Files.getLastModifiedTime(file).toMillis() == entry.getTime();
    }

    private static void unpack(ZipFile zip, ZipEntry entry, Path file, long millis)
            throws IOException, InterruptedException {
        Files.deleteIfExists(file);
        Files.createDirectories(file.getParent());
        try (InputStream in = zip.getInputStream(entry);
                OutputStream out = Files.newOutputStream(file)) {
            byte[] content = in.readAllBytes();
            out.write(content, 0, content.length / 2);
            out.flush();
            System.out.println("half of " + entry.getName());
            Thread.sleep(millis);
            out.write(content, content.length / 2, content.length - content.length / 2);
        }
        Files.setLastModifiedTime(file, FileTime.fromMillis(entry.getTime()));
    }

    private static void countCut(Path folder, Path jar, ZipFile zip) throws IOException {
        for (ZipEntry entry : zip.stream().toList()) {
            Path file = folder.resolve(jar.getFileName()).resolve(entry.getName());
            if (Files.exists(file) && Files.size(file) != entry.getSize()) {
                CUT.incrementAndGet();
            }
        }
    }
}
