package io.stencil.safetensors;

import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Writes safetensors files; a reader sees the old file or the whole new one.
///
/// Tensors lie in the reference library's order: by dtype, the last of [SafetensorsDtype] first, then by name in code
/// points. Equal content gives equal bytes.
public final class SafetensorsWriter {

    private static final long CHUNK = 8L << 20;

    private static final Comparator<TensorSpec> FILE_ORDER =
            Comparator.comparing(TensorSpec::dtype).reversed().thenComparing(TensorSpec::name, CodePointOrder.INSTANCE);

    private SafetensorsWriter() {}

    /// Writes tensors that are in memory.
    ///
    /// @param metadata strings for `__metadata__`, which is left out when empty
    /// @throws IOException when the file cannot be written; the target is then as it was
    /// @throws InvalidRequestException when two tensors have one name, or a tensor's bytes do not fit its shape
    public static void write(Path target, List<TensorData> tensors, Map<String, String> metadata) throws IOException {
        Map<String, MemorySegment> bytes = new HashMap<>();
        tensors.forEach(tensor -> bytes.put(tensor.name(), tensor.bytes()));
        TensorContent content = (tensor, sink) -> sink.accept(bytes.getOrDefault(tensor.name(), MemorySegment.NULL));
        write(target, tensors.stream().map(TensorData::spec).toList(), content, metadata);
    }

    /// Writes tensors whose bytes are made while writing.
    ///
    /// @param metadata strings for `__metadata__`, which is left out when empty
    /// @throws IOException when the file cannot be written or `content` throws it; the target is then as it was
    /// @throws InvalidRequestException when two tensors have one name, or `content` gives
    ///     too many or too few bytes
    public static void write(Path target, List<TensorSpec> tensors, TensorContent content, Map<String, String> metadata)
            throws IOException {
        List<TensorSpec> ordered = tensors.stream().sorted(FILE_ORDER).toList();
        requireDistinctNames(ordered);
        ByteBuffer header = HeaderWriter.write(ordered, metadata);
        AtomicFile.write(target, channel -> {
            writeFully(channel, header);
            for (TensorSpec tensor : ordered) {
                writeTensor(channel, tensor, content);
            }
        });
    }

    private static void requireDistinctNames(List<TensorSpec> tensors) {
        Set<String> names = new HashSet<>();
        for (TensorSpec tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new InvalidRequestException("tensors", "two tensors are named '" + tensor.name() + "'");
            }
        }
        if (names.contains(SafetensorsHeader.METADATA_KEY)) {
            throw new InvalidRequestException(
                    "tensors", "no tensor can be named '" + SafetensorsHeader.METADATA_KEY + "', the format's own key");
        }
    }

    private static void writeTensor(FileChannel channel, TensorSpec tensor, TensorContent content) throws IOException {
        long start = channel.position();
        content.writeTo(tensor, bytes -> {
            for (long offset = 0; offset < bytes.byteSize(); offset += CHUNK) {
                writeFully(channel, buffer(bytes.asSlice(offset, Math.min(CHUNK, bytes.byteSize() - offset))));
            }
        });
        long written = channel.position() - start;
        if (written != tensor.byteSize()) {
            throw new InvalidRequestException(
                    "tensors",
                    "tensor '%s' of %s %s has %s bytes, found %s"
                            .formatted(tensor.name(), tensor.dtype(), tensor.shape(), tensor.byteSize(), written));
        }
    }

    /// Segments over arrays other than `byte[]` have no buffer of their own.
    private static ByteBuffer buffer(MemorySegment chunk) {
        return chunk.isNative() ? chunk.asByteBuffer() : ByteBuffer.wrap(chunk.toArray(ValueLayout.JAVA_BYTE));
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
