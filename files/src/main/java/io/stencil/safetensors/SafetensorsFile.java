package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.LocalPath;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/// Maps one file into memory; its tensors are views of it, so opening costs the same for any size.
///
/// ```java
/// try (SafetensorsFile file = SafetensorsFile.open(path)) {
///     MemorySegment latents = file.segment("latents");
/// }
/// ```
///
/// A file must not be cut short while it is mapped. Replacing it by rename, as
/// [AtomicFile][io.stencil.files.AtomicFile] does, is safe: the mapping keeps the old content.
public final class SafetensorsFile implements TensorSource {

    /// Reads from an open file.
    @FunctionalInterface
    interface Reading<T> {
        T apply(FileChannel channel) throws IOException;
    }

    private final Path path;
    private final SafetensorsHeader header;
    private final Arena arena;
    private final MemorySegment mapped;

    private SafetensorsFile(Path path, SafetensorsHeader header, Arena arena, MemorySegment mapped) {
        this.path = path;
        this.header = header;
        this.arena = arena;
        this.mapped = mapped;
    }

    /// Checks the whole header and maps the file; the caller closes it.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable or breaks a rule of the format
    public static SafetensorsFile open(Path path) {
        return read(path, channel -> map(path, SafetensorsHeader.read(path, channel), channel));
    }

    /// Opens a regular file for `reading`, closes it afterwards, and reports failures as [InvalidFileException].
    static <T> T read(Path file, Reading<T> reading) {
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

    /// Maps the bytes that the header describes and none behind them: the file may have grown since the header was
    /// read.
    @SuppressWarnings("MustBeClosedChecker") // the returned file owns the arena
    static SafetensorsFile map(Path path, SafetensorsHeader header, FileChannel channel) throws IOException {
        long size = header.entries().values().stream()
                .mapToLong(TensorEntry::end)
                .max()
                .orElse(0);
        requireWhole(path, size, channel);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            requireWhole(path, size, channel); // cut before the mapping was there: reading would end the process
            return new SafetensorsFile(path, header, arena, mapped);
        } catch (IOException | RuntimeException fault) {
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

    @Override
    public Map<String, TensorEntry> entries() {
        return header.entries();
    }

    @Override
    public Map<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public TensorEntry entry(String name) {
        TensorEntry entry = header.entries().get(name);
        if (entry == null) {
            throw noSuchTensor(path.toString(), name, header.entries());
        }
        return entry;
    }

    @Override
    public MemorySegment segment(String name) {
        TensorEntry entry = entry(name);
        if (!arena.scope().isAlive()) {
            throw new InvalidStateException(path + " is closed; tensor '" + name + "' can no longer be read");
        }
        return mapped.asSlice(entry.begin(), entry.byteSize());
    }

    /// Brings all tensors into memory, as far as there is room: reading them then does not wait for the disk.
    public void load() {
        if (mapped.byteSize() > 0) {
            mapped.load();
        }
    }

    @Override
    public void dropPages(String name) {
        MemorySegment bytes = segment(name);
        if (bytes.byteSize() > 0) {
            bytes.unload();
        }
    }

    @Override
    public String origin(String name) {
        entry(name);
        return path.toString();
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    static InvalidFileException noSuchTensor(String place, String name, Map<String, TensorEntry> entries) {
        return new InvalidFileException(
                new Location(place, null, name),
                "no such tensor; %s are there: %s".formatted(entries.size(), NameList.of(entries.keySet())));
    }
}
