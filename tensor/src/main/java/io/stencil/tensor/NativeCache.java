package io.stencil.tensor;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.files.FileLock;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/// Unpacks native libraries into JavaCPP's cache before JavaCPP loads them for the first time.
///
/// JavaCPP writes each library under its final name, and the system's loader maps libraries that others depend on
/// without JavaCPP: one that a killed process left cut short, or that another process is writing, ends the JVM by
/// `SIGBUS`. Here libraries are unpacked into a temporary folder, their sizes are checked, and each is renamed into
/// place, where JavaCPP finds it. This and the first load happen under a lock that dies with its process. Libraries
/// whose size is not that in their jar are removed before, whoever unpacked them, and a list of files is written after.
/// While all files are as listed, loads share the lock.
final class NativeCache {

    /// Takes the lock of the cache.
    @FunctionalInterface
    interface Locks {
        /// @return null where the file system provides no locks
        @Nullable
        FileLock take(Path file, boolean shared, Runnable onWaiting) throws IOException, InterruptedException;
    }

    private static final String REMEDY =
            "free space there, or name another folder with -Dorg.bytedeco.javacpp.cachedir=DIR (STENCIL_JAVA_OPTS)";
    private static final String TEMPORARY = ".stencil-unpacking-";

    private final Path folder;
    private final Path list;
    private final List<Path> jars;
    private final Supplier<List<NativeLibrary>> libraries;
    private final Consumer<String> notices;

    /// @param name of this set of libraries; sets of different names may share the folder
    /// @param jars that libraries are unpacked from
    /// @param libraries that JavaCPP would unpack; listed only when some are missing
    /// @param notices takes a line where another process is waited for, or nothing keeps others off
    NativeCache(
            Path folder,
            String name,
            List<Path> jars,
            Supplier<List<NativeLibrary>> libraries,
            Consumer<String> notices) {
        this.folder = folder;
        this.list = folder.resolve(".stencil-" + name + ".list");
        this.jars = jars;
        this.libraries = libraries;
        this.notices = notices;
    }

    /// Runs `loading`, which loads the libraries through JavaCPP. An interrupt does not end the wait for another
    /// process.
    ///
    /// @throws InvalidFileException when the folder cannot be written, or has no space for the libraries
    void load(Runnable loading) {
        load(loading, FileLock::take);
    }

    void load(Runnable loading, Locks locks) {
        boolean interrupted = Thread.interrupted(); // it would close the channels that files are written through
        try {
            while (true) {
                try {
                    loadOnce(loading, locks);
                    return;
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        } catch (IOException e) {
            throw new InvalidFileException(
                    Location.of(folder), "native libraries cannot be unpacked there (%s); %s".formatted(e, REMEDY), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// @throws InterruptedException only before `loading` begins
    private void loadOnce(Runnable loading, Locks locks) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Path file = folder.resolve(".stencil.lock");
        try (FileLock _ = locks.take(file, /* shared= */ true, this::noticeWait)) {
            if (isWhole()) {
                loading.run();
                return;
            }
        } catch (FileSystemException e) {
            if (!isWhole()) { // else a complete cache that this user may only read
                throw e;
            }
            loading.run();
            return;
        }
        try (FileLock lock = locks.take(file, /* shared= */ false, this::noticeWait)) {
            if (!isWhole()) {
                if (lock == null) {
                    notices.accept(
                            "the file system of '%s' provides no locks; take care that no other process unpacks libtorch there"
                                    .formatted(folder));
                } else {
                    removeTemporary();
                }
                removeBroken();
                unpack();
            }
            loading.run();
            AtomicFile.writeText(list, String.join("\n", present()) + "\n");
        }
    }

    private void noticeWait() {
        notices.accept("waiting for another process that unpacks libtorch into '%s' ...".formatted(folder));
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

    /// Removes temporary folders of killed processes.
    private void removeTemporary() throws IOException {
        try (Stream<Path> content = Files.list(folder)) {
            for (Path path : content.toList()) {
                if (path.getFileName().toString().startsWith(TEMPORARY)) {
                    AtomicFolder.remove(path);
                }
            }
        }
    }

    /// Unpacks what JavaCPP would.
    private void unpack() throws IOException {
        List<Unpacking> missing = new ArrayList<>();
        for (NativeLibrary library : libraries.get()) {
            try (ZipFile zip = new ZipFile(library.jar().toFile())) {
                Unpacking unpacking = Unpacking.of(library, zip);
                if (!unpacking.isThere(library.in(folder))) {
                    missing.add(unpacking);
                }
            }
        }
        if (missing.isEmpty()) {
            return;
        }
        requireSpace(missing.stream().mapToLong(Unpacking::size).sum());
        Path temporary = folder.resolve(TEMPORARY + UUID.randomUUID());
        try {
            for (Unpacking unpacking : missing) {
                unpacking.unpack(unpacking.library().in(temporary));
            }
            for (Unpacking unpacking : missing) {
                Path target = unpacking.library().in(folder);
                Files.createDirectories(target.getParent());
                Files.move(unpacking.library().in(temporary), target, ATOMIC_MOVE, REPLACE_EXISTING);
            }
        } finally {
            if (Files.exists(temporary)) {
                AtomicFolder.remove(temporary);
            }
        }
    }

    private void requireSpace(long bytes) throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes) {
            throw new InvalidFileException(
                    folder,
                    "has %s MB free, and unpacking libtorch and its libraries takes %s MB; %s"
                            .formatted(free >> 20, bytes >> 20, REMEDY));
        }
    }

    /// A library and its size and time in the jar, by which JavaCPP knows its file.
    private record Unpacking(NativeLibrary library, long size, FileTime time) {

        static Unpacking of(NativeLibrary library, ZipFile zip) {
            ZipEntry entry = Objects.requireNonNull(zip.getEntry(library.entry()));
            return new Unpacking(library, entry.getSize(), FileTime.fromMillis(entry.getTime()));
        }

        boolean isThere(Path file) throws IOException {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    && Files.size(file) == size
                    && Files.getLastModifiedTime(file).toMillis() == time.toMillis();
        }

        void unpack(Path file) throws IOException {
            Files.createDirectories(file.getParent());
            try (ZipFile zip = new ZipFile(library.jar().toFile());
                    InputStream content = zip.getInputStream(zip.getEntry(library.entry()))) {
                long copied = Files.copy(content, file);
                if (copied != size) {
                    throw new IOException("%s of %s has %s bytes, expected %s"
                            .formatted(library.entry(), library.jar(), copied, size));
                }
            }
            Files.setLastModifiedTime(file, time);
        }
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

    /// Locates a native library in its jar, and in JavaCPP's cache.
    ///
    /// @param jar on the class path
    /// @param entry name in the jar
    /// @param name file name in the cache, where JavaCPP may rename a library
    record NativeLibrary(Path jar, String entry, String name) {

        /// The file in the cache.
        Path in(Path cache) {
            return cache.resolve(jar.getFileName()).resolve(entry).resolveSibling(name);
        }

        /// Lists the libraries that JavaCPP unpacks when it initializes `classes`, in the order of loading. Nothing is
        /// loaded or unpacked.
        ///
        /// A library that several classes load is unpacked for the first one only: JavaCPP links to it from the others.
        /// Libraries in a jar within a jar are left out.
        static List<NativeLibrary> of(List<Class<?>> classes) {
            Listing listing = new Listing();
            classes.forEach(listing::add);
            return listing.libraries;
        }

        private static final class Listing {
            private final List<NativeLibrary> libraries = new ArrayList<>();
            private final Set<Class<?>> visited = new HashSet<>();
            private final Map<String, URL> loaded = new HashMap<>();

            /// Follows `Loader.load`.
            void add(Class<?> loading) {
                Class<?> type = Loader.getEnclosingClass(loading);
                if (!visited.add(type)) {
                    return;
                }
                ClassProperties properties = Loader.loadProperties(type, Loader.loadProperties(), /* inherit= */ true);
                for (String global : properties.get("global")) {
                    add(type(global, type.getClassLoader()));
                }
                List<String> names = new ArrayList<>(properties.get("platform.preload"));
                names.addAll(properties.get("platform.link"));
                names.add(properties.getProperty("platform.library"));
                for (String name : names) {
                    for (URL url : Loader.findLibrary(type, properties, name, /* pathsFirst= */ false)) {
                        if (loaded.putIfAbsent(key(name), url) == null) {
                            library(url).ifPresent(libraries::add);
                        }
                    }
                }
            }

            private static Class<?> type(String name, ClassLoader loader) {
                try {
                    return Class.forName(name, /* initialize= */ false, loader);
                } catch (ClassNotFoundException e) {
                    throw new NoClassDefFoundError(e.getMessage());
                }
            }

            /// The name that JavaCPP knows a loaded library by: `name@version#newName@version`.
            private static String key(String name) {
                return name.substring(name.indexOf('#') + 1);
            }
        }

        /// @return empty where the resource is not in a jar that is a file, such as a library of the system
        static Optional<NativeLibrary> library(URL resource) {
            try {
                if (!(resource.openConnection() instanceof JarURLConnection connection)) {
                    return Optional.empty();
                }
                Path jar = Path.of(connection.getJarFileURL().toURI());
                String entry = connection.getEntryName();
                @Nullable String renamed = resource.getRef();
                return Files.isRegularFile(jar)
                        ? Optional.of(
                                new NativeLibrary(jar, entry, renamed == null ? new File(entry).getName() : renamed))
                        : Optional.empty();
            } catch (IOException | URISyntaxException | IllegalArgumentException | FileSystemNotFoundException _) {
                return Optional.empty(); // a jar within a jar: JavaCPP alone knows the way
            }
        }
    }
}
