package io.stencil.files;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The first bytes of a file, mapped read-only into memory until [#close], readable from any thread.
///
/// A file must not be cut short while it is mapped. Replacing it by rename, as [AtomicFile] does, is safe: the mapping
/// keeps the old content.
public final class FileMapping implements AutoCloseable {

    /// Reads from an open file.
    @FunctionalInterface
    public interface Reading<T> {
        T apply(FileChannel channel) throws IOException;
    }

    private final Path path;
    private final Arena arena;
    private final MemorySegment bytes;

    private FileMapping(Path path, Arena arena, MemorySegment bytes) {
        this.path = path;
        this.arena = arena;
        this.bytes = bytes;
    }

    /// Opens a regular file for `reading`, closes it afterwards, and reports failures as [InvalidFileException].
    public static <T> T read(Path file, Reading<T> reading) {
        if (!Files.exists(file)) {
            throw new InvalidFileException(file, "no such file" + LocalPath.hint(file.toString()));
        }
        if (!Files.isRegularFile(file)) {
            throw new InvalidFileException(file, "expected a file, found a folder or a device");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return reading.apply(channel);
        } catch (IOException fault) {
            throw new InvalidFileException(Location.of(file), "cannot be read: " + fault, fault);
        }
    }

    /// Maps `size` bytes and none behind them: the file may have grown since its size was read.
    ///
    /// @throws InvalidFileException when the file has fewer bytes
    @SuppressWarnings("MustBeClosedChecker") // the returned mapping owns the arena
    public static FileMapping map(Path path, FileChannel channel, long size) throws IOException {
        requireWhole(path, size, channel);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            requireWhole(path, size, channel); // cut before the mapping was there: reading would end the process
            return new FileMapping(path, arena, mapped);
        } catch (IOException | RuntimeException | Error fault) {
            arena.close();
            throw fault;
        }
    }

    private static void requireWhole(Path path, long size, FileChannel channel) throws IOException {
        long left = channel.size();
        if (left < size) {
            throw new InvalidFileException(
                    path,
                    "was cut from %s to %s bytes while it was opened; another program is writing it"
                            .formatted(size, left));
        }
    }

    public Path path() {
        return path;
    }

    /// Returns all mapped bytes.
    public MemorySegment bytes() {
        return bytes;
    }

    /// Returns a tensor's bytes, read-only and not copied.
    ///
    /// @param tensor name for the message
    /// @throws InvalidStateException when the mapping is closed
    public MemorySegment slice(String tensor, long begin, long end) {
        if (!arena.scope().isAlive()) {
            throw new InvalidStateException(path + " is closed; tensor '" + tensor + "' can no longer be read");
        }
        return bytes.asSlice(begin, end - begin);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
