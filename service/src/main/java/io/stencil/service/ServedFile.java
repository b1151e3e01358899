package io.stencil.service;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.FileStamp;
import io.stencil.files.Fingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A Template or LoRA that requests name, with the [fingerprint][Fingerprint] of its files. Where each job reads them
/// anew the fingerprint follows the files, which may be replaced while the service runs; it is calculated again only
/// when size, time or identity of a file has changed.
final class ServedFile {

    /// Folders in a folder whose files count, as for the fingerprint.
    private static final int DEPTH = 3;

    private final String name;
    private final @Nullable Path read;
    private Set<FileStamp> stamps = Set.of();
    private @Nullable String hash;

    private ServedFile(String name, @Nullable Path read, @Nullable String hash) {
        this.name = name;
        this.read = read;
        this.hash = hash;
    }

    /// @param path file or folder that each job reads anew
    static ServedFile reread(String name, Path path) {
        return new ServedFile(name, path, null);
    }

    /// @param hash of what stays in memory while the service runs; null for what is in no file
    static ServedFile loaded(String name, @Nullable String hash) {
        return new ServedFile(name, null, hash);
    }

    String name() {
        return name;
    }

    /// @return null for what is in no file
    /// @throws InvalidFileException when the file is absent by now, or cannot be read
    synchronized @Nullable String hash() {
        if (read != null) {
            Set<FileStamp> now = stamps(read);
            if (!now.equals(stamps)) {
                hash = Fingerprint.of(read);
                stamps = now;
            }
        }
        return hash;
    }

    /// The latest fingerprint, also where the file is absent by now.
    synchronized @Nullable String latestHash() {
        try {
            return hash();
        } catch (InvalidFileException _) {
            return hash;
        }
    }

    private static Set<FileStamp> stamps(Path path) {
        Set<FileStamp> stamps = new HashSet<>();
        try (Stream<Path> files = Files.isDirectory(path) ? Files.walk(path, DEPTH) : Stream.of(path)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                stamps.add(FileStamp.of(file));
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(path), "cannot be read: " + e, e);
        }
        return stamps;
    }
}
