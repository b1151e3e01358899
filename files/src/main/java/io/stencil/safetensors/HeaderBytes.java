package io.stencil.safetensors;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// The header as it lies in the file, and where the tensors' bytes lie behind it.
///
/// @param json the header's text, padding included
/// @param dataStart offset in the file behind the header
/// @param dataSize bytes from there to the end of the file
record HeaderBytes(String json, long dataStart, long dataSize) {

    static final int LENGTH_BYTES = Long.BYTES;

    private static final String POINTER_START = "version ";

    /// Reads the length and the header.
    ///
    /// @throws InvalidFileException when the file cannot hold the header that its first bytes announce
    static HeaderBytes read(Path file, FileChannel channel) throws IOException {
        long fileSize = channel.size();
        if (fileSize < LENGTH_BYTES) {
            throw new InvalidFileException(
                    file,
                    "a safetensors file has at least %s bytes, found %s; the file is cut short or not safetensors"
                            .formatted(LENGTH_BYTES, fileSize));
        }
        byte[] prefix = readFully(file, channel, 0, LENGTH_BYTES);
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (new String(prefix, StandardCharsets.ISO_8859_1).equals(POINTER_START)) {
            throw new InvalidFileException(
                    file, "expected a safetensors file, found a Git LFS pointer; fetch the real file (git lfs pull)");
        }
        if (Long.compareUnsigned(length, StrictJson.MAX_BYTES) > 0) {
            throw new InvalidFileException(
                    file,
                    "header length must be at most %s, found %s; this is not a safetensors file"
                            .formatted(StrictJson.MAX_BYTES, Long.toUnsignedString(length)));
        }
        if (length > fileSize - LENGTH_BYTES) {
            throw new InvalidFileException(
                    file,
                    "the header ends at byte %s, but the file has %s; it is cut short or not safetensors"
                            .formatted(LENGTH_BYTES + length, fileSize));
        }
        byte[] json = readFully(file, channel, LENGTH_BYTES, (int) length);
        if (json.length == 0 || json[0] != '{') {
            throw new InvalidFileException(file, "the header must begin with '{'; this is not a safetensors file");
        }
        long dataStart = LENGTH_BYTES + length;
        return new HeaderBytes(StrictJson.decode(file, "header", json), dataStart, fileSize - dataStart);
    }

    private static byte[] readFully(Path file, FileChannel channel, long position, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new InvalidFileException(file, "the file became shorter while it was read");
            }
        }
        return bytes.array();
    }
}
