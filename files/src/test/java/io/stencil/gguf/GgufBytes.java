package io.stencil.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Writes GGUF by hand, field by field, also against the rules of the format.
final class GgufBytes {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /// Begins a file with magic, version and the two counts.
    static GgufBytes header(int version, long tensors, long keys) {
        return new GgufBytes()
                .raw("GGUF".getBytes(StandardCharsets.UTF_8))
                .u32(version)
                .u64(tensors)
                .u64(keys);
    }

    GgufBytes raw(byte... values) {
        bytes.writeBytes(values);
        return this;
    }

    GgufBytes u32(int value) {
        return raw(little(4).putInt(value).array());
    }

    GgufBytes u64(long value) {
        return raw(little(8).putLong(value).array());
    }

    GgufBytes text(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        return u64(utf8.length).raw(utf8);
    }

    GgufBytes tensor(String name, int type, long offset, long... dimensions) {
        text(name).u32(dimensions.length);
        for (long dimension : dimensions) {
            u64(dimension);
        }
        return u32(type).u64(offset);
    }

    GgufBytes padTo(int alignment) {
        while (bytes.size() % alignment != 0) {
            bytes.write(0);
        }
        return this;
    }

    byte[] toArray() {
        return bytes.toByteArray();
    }

    int size() {
        return bytes.size();
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
