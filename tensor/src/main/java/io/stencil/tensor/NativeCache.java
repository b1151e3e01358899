package io.stencil.tensor;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/// Guards the folder that JavaCPP unpacks native libraries into when they are loaded for the first time.
///
/// JavaCPP writes each library under its final name, and the system's loader maps libraries that others depend on
/// without JavaCPP: one that a killed process left cut short, or that another process is writing, ends the JVM by
/// `SIGBUS`. Here the first load happens under a lock that dies with its process; libraries whose size is not that in
/// their jar are removed before, so that JavaCPP unpacks them again; and a list of what a complete load left is written
/// after. While all files are as listed, loads share the lock.
final class NativeCache {

    private static final String REMEDY =
            "free space there, or name another folder with -Dorg.bytedeco.javacpp.cachedir=DIR (STENCIL_JAVA_OPTS)";
    private static final long POLL_NANOS = 20_000_000;

    private final Path folder;
    private final Path list;
    private final List<Path> jars;

    /// @param name of this set of libraries; sets of different names may share the folder
    /// @param jars that libraries are unpacked from
    NativeCache(Path folder, String name, List<Path> jars) {
        this.folder = folder;
        this.list = folder.resolve(".stencil-" + name + ".list");
        this.jars = jars;
    }

    /// Runs `loading`, which loads the libraries through JavaCPP.
    ///
    /// @throws InvalidFileException when the folder cannot be written, or has no space for the libraries
    void load(Runnable loading) {
        try {
            Files.createDirectories(folder);
            try (FileChannel channel = FileChannel.open(
                    folder.resolve(".stencil.lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE)) {
                try (FileLock _ = lock(channel, /* shared= */ true)) {
                    if (isWhole()) {
                        loading.run();
                        return;
                    }
                }
                try (FileLock _ = lock(channel, /* shared= */ false)) {
                    if (!isWhole()) {
                        removeBroken();
                        requireSpace();
                    }
                    loading.run();
                    AtomicFile.writeText(list, String.join("\n", present()) + "\n");
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(folder), "native libraries cannot be unpacked there (%s); %s".formatted(e, REMEDY), e);
        }
    }

    /// Waits also for other threads of this process; an interrupt does not end the wait.
    private static FileLock lock(FileChannel channel, boolean shared) throws IOException {
        while (true) {
            try {
                @Nullable FileLock lock = channel.tryLock(0, Long.MAX_VALUE, shared);
                if (lock != null) {
                    return lock;
                }
            } catch (OverlappingFileLockException _) {
                // another thread has it
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /// Whether a load completed and JavaCPP would change nothing of what it left.
    private boolean isWhole() throws IOException {
        Set<String> listed = listed();
        if (listed.isEmpty() || !new HashSet<>(present()).containsAll(listed)) {
            return false;
        }
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                for (Path file : files(jar)) {
                    @Nullable ZipEntry entry = entry(zip, jar, file);
                    if (entry != null && !isWhole(file, entry)) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static boolean isWhole(Path file, ZipEntry entry) throws IOException {
        return Files.size(file) == entry.getSize()
                && Files.getLastModifiedTime(file).toMillis() == entry.getTime();
    }

    /// Removes libraries whose size is neither that in their jar nor, for a copy under another name, that of the last
    /// load.
    private void removeBroken() throws IOException {
        Set<String> listed = listed();
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                for (Path file : files(jar)) {
                    @Nullable ZipEntry entry = entry(zip, jar, file);
                    boolean whole = entry == null ? listed.contains(line(file)) : Files.size(file) == entry.getSize();
                    if (!whole) {
                        Files.delete(file);
                    }
                }
            }
        }
    }

    /// A disk that is full halfway would leave a library cut short, to be mapped by the next one.
    private void requireSpace() throws IOException {
        long missing = 0;
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                missing += zip.stream()
                        .filter(entry -> isLibrary(entry.getName()))
                        .mapToLong(ZipEntry::getSize)
                        .sum();
            }
            for (Path file : files(jar)) {
                missing -= Files.size(file);
            }
        }
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < missing) {
            throw new InvalidFileException(
                    folder,
                    "has %s MB free, and unpacking libtorch and its libraries takes up to %s MB; %s"
                            .formatted(free >> 20, missing >> 20, REMEDY));
        }
    }

    private static boolean isLibrary(String name) {
        return name.matches(".*\\.(so(\\.[0-9]+)*|dylib|dll)");
    }

    /// The entry that a file was unpacked from; null for a copy under another name.
    private @Nullable ZipEntry entry(ZipFile zip, Path jar, Path file) {
        return zip.getEntry(folderOf(jar).relativize(file).toString().replace('\\', '/'));
    }

    private Path folderOf(Path jar) {
        return folder.resolve(jar.getFileName());
    }

    /// Libraries that were unpacked from a jar, links left out.
    private List<Path> files(Path jar) throws IOException {
        if (!Files.isDirectory(folderOf(jar))) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folderOf(jar))) {
            return files.filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        }
    }

    private Set<String> listed() throws IOException {
        return Files.isRegularFile(list) ? new HashSet<>(Files.readAllLines(list)) : Set.of();
    }

    /// Files and links that are there, as [#list] has them.
    private List<String> present() throws IOException {
        List<String> lines = new ArrayList<>();
        for (Path jar : jars) {
            if (Files.isDirectory(folderOf(jar))) {
                try (Stream<Path> files = Files.walk(folderOf(jar))) {
                    for (Path file : files.sorted().toList()) {
                        if (!Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                            lines.add(line(file));
                        }
                    }
                }
            }
        }
        return lines;
    }

    private String line(Path file) throws IOException {
        String content =
                Files.isSymbolicLink(file) ? "-> " + Files.readSymbolicLink(file) : Long.toString(Files.size(file));
        return folder.relativize(file) + "\t" + content;
    }
}
