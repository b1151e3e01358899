package io.stencil.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Files put together by hand, sound or not.
final class RawFile {

    private RawFile() {}

    /// The length of `header`, `header`, and `dataSize` bytes that count up from 0.
    static byte[] bytes(String header, int dataSize) {
        return bytes(header.getBytes(StandardCharsets.UTF_8), dataSize);
    }

    static byte[] bytes(byte[] header, int dataSize) {
        return bytes(header.length, header, dataSize);
    }

    static byte[] bytes(long declaredLength, byte[] header, int dataSize) {
        ByteBuffer file =
                ByteBuffer.allocate(Long.BYTES + header.length + dataSize).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(declaredLength).put(header);
        for (int i = 0; i < dataSize; i++) {
            file.put((byte) i);
        }
        return file.array();
    }

    static Path write(Path file, String header, int dataSize) throws IOException {
        return Files.write(file, bytes(header, dataSize));
    }

    /// A file of one-byte tensors.
    static Path writeU8(Path file, String... names) throws IOException {
        StringBuilder header = new StringBuilder("{");
        for (int i = 0; i < names.length; i++) {
            header.append(i == 0 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%s,%s]}"
                            .formatted(names[i], i, i + 1));
        }
        return write(file, header.append('}').toString(), names.length);
    }
}
