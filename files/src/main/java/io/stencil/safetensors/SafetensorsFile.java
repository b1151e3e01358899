package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.FileMapping;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
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

    private final SafetensorsHeader header;
    private final FileMapping mapping;

    private SafetensorsFile(SafetensorsHeader header, FileMapping mapping) {
        this.header = header;
        this.mapping = mapping;
    }

    /// Checks the whole header and maps the file; the caller closes it.
    ///
    /// @throws InvalidFileException when the file is absent, unreadable or breaks a rule of the format
    public static SafetensorsFile open(Path path) {
        return FileMapping.read(path, channel -> map(path, SafetensorsHeader.read(path, channel), channel));
    }

    /// Maps the bytes that the header describes and none behind them: the file may have grown since the header was
    /// read.
    static SafetensorsFile map(Path path, SafetensorsHeader header, FileChannel channel) throws IOException {
        long size = header.entries().values().stream()
                .mapToLong(TensorEntry::end)
                .max()
                .orElse(0);
        return new SafetensorsFile(header, FileMapping.map(path, channel, size));
    }

    public Path path() {
        return mapping.path();
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
            throw noSuchTensor(path().toString(), name, header.entries());
        }
        return entry;
    }

    @Override
    public MemorySegment segment(String name) {
        TensorEntry entry = entry(name);
        return mapping.slice(name, entry.begin(), entry.end());
    }

    /// Brings all tensors into memory, as far as there is room: reading them then does not wait for the disk.
    public void load() {
        if (mapping.bytes().byteSize() > 0) {
            mapping.bytes().load();
        }
    }

    @Override
    public String origin(String name) {
        entry(name);
        return path().toString();
    }

    @Override
    public void close() {
        mapping.close();
    }

    /// Returns the fault of a tensor that is not among `entries`.
    public static InvalidFileException noSuchTensor(String place, String name, Map<String, TensorEntry> entries) {
        return new InvalidFileException(
                new Location(place, null, name),
                "no such tensor; %s are there: %s".formatted(entries.size(), NameList.of(entries.keySet())));
    }
}
