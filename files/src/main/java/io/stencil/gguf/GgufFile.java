package io.stencil.gguf;

import io.stencil.files.FileMapping;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// Maps a GGUF file into memory; its tensors are views of it, so opening costs the same for any size.
///
/// The dtype of an entry is a [SafetensorsDtype][io.stencil.safetensors.SafetensorsDtype] where each element lies by
/// itself, else a [BlockType].
public final class GgufFile implements TensorSource {

    /// Last part of the names of such files.
    public static final String SUFFIX = ".gguf";

    private final FileMapping mapping;
    private final GgufHeader header;

    private GgufFile(FileMapping mapping, GgufHeader header) {
        this.mapping = mapping;
        this.header = header;
    }

    /// Checks the whole header and maps the file; the caller closes it.
    ///
    /// @throws io.stencil.error.InvalidFileException when the file is absent, unreadable, or breaks a rule of the
    ///     format, or a tensor's type is none that can be read
    public static GgufFile open(Path path) {
        return FileMapping.read(path, channel -> map(path, channel));
    }

    private static GgufFile map(Path path, FileChannel channel) throws IOException {
        FileMapping mapping = FileMapping.map(path, channel, channel.size());
        try {
            return new GgufFile(mapping, GgufHeader.read(path, mapping.bytes()));
        } catch (RuntimeException | Error fault) {
            mapping.close();
            throw fault;
        }
    }

    public Path path() {
        return mapping.path();
    }

    /// Returns the metadata, in the file's order. Unmodifiable.
    public Map<String, GgufValue> values() {
        return header.values();
    }

    @Override
    public Map<String, String> metadata() {
        Map<String, String> texts = new LinkedHashMap<>();
        header.values().forEach((key, value) -> texts.put(key, value.text()));
        return Collections.unmodifiableMap(texts);
    }

    @Override
    public Map<String, TensorEntry> entries() {
        return header.entries();
    }

    @Override
    public TensorEntry entry(String name) {
        TensorEntry entry = header.entries().get(name);
        if (entry == null) {
            throw SafetensorsFile.noSuchTensor(path().toString(), name, header.entries());
        }
        return entry;
    }

    @Override
    public MemorySegment segment(String name) {
        TensorEntry entry = entry(name);
        return mapping.slice(name, entry.begin(), entry.end());
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
}
