package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A file larger than an `int` can count, as a hole with its last bytes written.
class LargeFileTest {

    private static final long HOLE = 10L << 30;

    @TempDir
    Path folder;

    @Test
    void bytes_beyond_2_GiB_are_read() throws IOException {
        String header = "{\"hole\":{\"dtype\":\"F16\",\"shape\":[5,1073741824],\"data_offsets\":[0,%s]},"
                        .formatted(HOLE)
                + "\"last\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[%s,%s]}}".formatted(HOLE, HOLE + 16);
        byte[] start = RawFile.bytes(header, 0);
        Path path = folder.resolve("large.safetensors");
        try (FileChannel channel = FileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(start));
            channel.write(ByteBuffer.wrap("sixteen bytes...".getBytes(StandardCharsets.UTF_8)), start.length + HOLE);
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            MemorySegment last = file.segment("last");
            assertThat(new String(last.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8))
                    .isEqualTo("sixteen bytes...");
            MemorySegment hole = file.segment("hole");
            assertThat(hole.byteSize()).isEqualTo(HOLE);
            assertThat(hole.get(ValueLayout.JAVA_BYTE, HOLE - 1)).isZero();
            assertThat(hole.get(ValueLayout.JAVA_BYTE, 3L << 30)).isZero();
        }
    }
}
