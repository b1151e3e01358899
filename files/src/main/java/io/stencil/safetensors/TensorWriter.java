package io.stencil.safetensors;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Writes a header and the bytes of tensors one behind the other, for the writers of all formats.
public final class TensorWriter {

    private static final long CHUNK = 8L << 20;

    private final FileChannel channel;

    /// @param channel open for writing, at the beginning of the file
    public TensorWriter(FileChannel channel) {
        this.channel = channel;
    }

    /// Takes the next bytes of a tensor; they may be freed when this returns.
    @FunctionalInterface
    public interface Sink {
        void accept(MemorySegment bytes) throws IOException;
    }

    /// Hands all bytes of one tensor to a sink.
    @FunctionalInterface
    public interface Bytes {
        void writeTo(Sink sink) throws IOException;
    }

    /// Writes all that remains of `bytes`.
    public void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /// Writes zeros up to the next multiple of `alignment`.
    public void pad(long alignment) throws IOException {
        long position = channel.position();
        write(ByteBuffer.allocate((int) (Math.ceilDiv(position, alignment) * alignment - position)));
    }

    /// Writes one tensor.
    ///
    /// @param type and shape, for messages
    /// @param size bytes of the tensor
    /// @throws InvalidRequestException when `bytes` gives too many or too few
    public void write(String name, String type, long size, Bytes bytes) throws IOException {
        long start = channel.position();
        bytes.writeTo(segment -> {
            for (long offset = 0; offset < segment.byteSize(); offset += CHUNK) {
                write(buffer(segment.asSlice(offset, Math.min(CHUNK, segment.byteSize() - offset))));
            }
        });
        long written = channel.position() - start;
        if (written != size) {
            throw new InvalidRequestException(
                    "tensors", "tensor '%s' of %s has %s bytes, found %s".formatted(name, type, size, written));
        }
    }

    /// Segments over arrays other than `byte[]` have no buffer of their own.
    private static ByteBuffer buffer(MemorySegment chunk) {
        return chunk.isNative() ? chunk.asByteBuffer() : ByteBuffer.wrap(chunk.toArray(ValueLayout.JAVA_BYTE));
    }
}
