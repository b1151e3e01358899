package io.stencil.service;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.Fingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A Template or LoRA that requests name, with the [fingerprint][Fingerprint] of its files. Where each job reads them
/// anew the fingerprint follows the files, which may be replaced while the service runs; it is calculated again only
/// when size, time or identity of a file has changed.
final class ServedFile {

    /// Folders in a folder whose files count, as for the fingerprint.
    private static final int DEPTH = 3;

    private record Stamp(
            long size, FileTime modified, @Nullable Object key) {}

    private final String name;
    private final @Nullable Path read;
    private Map<Path, Stamp> stamps = Map.of();
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
            Map<Path, Stamp> now = stamps(read);
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

    private static Map<Path, Stamp> stamps(Path path) {
        Map<Path, Stamp> stamps = new HashMap<>();
        try (Stream<Path> files = Files.isDirectory(path) ? Files.walk(path, DEPTH) : Stream.of(path)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
                stamps.put(file, new Stamp(found.size(), found.lastModifiedTime(), found.fileKey()));
            }
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(path), "cannot be read: " + e, e);
        }
        return stamps;
    }
}
