package io.stencil.files;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.UUID;
import java.util.stream.Stream;

/// Writes a new folder as a whole: content goes to a temporary folder beside it, which is renamed at the end.
///
/// A failed write leaves no folder behind; a process that is killed leaves the temporary one, `.NAME.….tmp`.
public final class AtomicFolder {

    /// Fills the temporary folder.
    @FunctionalInterface
    public interface Content {
        void writeTo(Path folder) throws IOException;
    }

    private AtomicFolder() {}

    /// Writes `target`, making its parent folders.
    ///
    /// @throws InvalidRequestException when `target` is a file or holds something
    /// @throws IOException when the content cannot be written or renamed; `target` is then as it was
    public static void write(Path target, Content content) throws IOException {
        requireFree(target);
        Path absolute = target.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null) {
            throw new IOException(target + " is not the name of a folder");
        }
        Files.createDirectories(parent);
        Path temporary = parent.resolve("." + absolute.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.createDirectory(temporary);
        boolean done = false;
        try {
            content.writeTo(temporary);
            requireFree(target);
            Files.deleteIfExists(absolute);
            Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
            done = true;
        } finally {
            if (!done) {
                delete(temporary);
            }
        }
        AtomicFile.forceFolder(parent);
    }

    /// Refuses a place where [#write] would find something: for a check before long work.
    ///
    /// @throws InvalidRequestException when `target` is a file or holds something
    /// @throws IOException when it cannot be looked at
    public static void requireFree(Path target) throws IOException {
        if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new InvalidRequestException(Location.of(target), "is not a directory; name another one");
        }
        try (Stream<Path> content = Files.list(target)) {
            if (content.findAny().isPresent()) {
                throw new InvalidRequestException(
                        Location.of(target), "is not empty, and nothing in it is replaced; name another folder");
            }
        }
    }

    /// Removes a folder or a file: it loses its name at once, and its content then. A process that is killed on the way
    /// leaves a temporary one, `.NAME.….tmp`.
    ///
    /// @throws IOException when it cannot be renamed or deleted
    public static void remove(Path target) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path temporary = absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.move(absolute, temporary, StandardCopyOption.ATOMIC_MOVE);
        delete(temporary);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> content = Files.walk(folder)) {
            for (Path path : content.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    /// Makes a folder in the system's place for temporary files and removes it, with all in it, when it is closed.
    ///
    /// @param path path of the folder
    public record Temporary(Path path) implements AutoCloseable {

        public static Temporary create(String prefix) throws IOException {
            return new Temporary(Files.createTempDirectory(prefix));
        }

        @Override
        public void close() throws IOException {
            AtomicFolder.remove(path);
        }
    }
}
