package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RoundTripTest {

    @TempDir
    Path folder;

    private static TensorData tensor(String name, SafetensorsDtype dtype, Long... shape) {
        byte[] bytes = new byte[(int) dtype.byteSize(List.of(shape))];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31 + name.hashCode());
        }
        return new TensorData(name, dtype, List.of(shape), MemorySegment.ofArray(bytes));
    }

    private void assertRoundTrip(Map<String, String> metadata, TensorData... tensors) throws IOException {
        Path path = folder.resolve("file with a space.safetensors");
        TensorData.write(path, List.of(tensors), metadata);
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThat(file.metadata()).isEqualTo(metadata);
            assertThat(file.entries()).hasSize(tensors.length);
            for (TensorData tensor : tensors) {
                TensorEntry entry = file.entry(tensor.name());
                assertThat(new TensorSpec(entry.name(), (SafetensorsDtype) entry.dtype(), entry.shape()))
                        .isEqualTo(tensor.spec());
                assertThat(file.segment(tensor.name()).toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(tensor.bytes().toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void each_dtype(SafetensorsDtype dtype) throws IOException {
        assertRoundTrip(Map.of(), tensor("a", dtype, 4L, 3L, 2L), tensor("b", dtype, 8L), tensor("c", dtype, 0L));
    }

    @Test
    void scalars_and_empty_tensors() throws IOException {
        assertRoundTrip(
                Map.of(),
                tensor("scalar", SafetensorsDtype.F32),
                tensor("one", SafetensorsDtype.F32, 1L),
                tensor("empty", SafetensorsDtype.F32, 0L),
                tensor("empty inside", SafetensorsDtype.F32, 5L, 0L, 7L),
                tensor("empty too", SafetensorsDtype.I64, 0L));
    }

    @Test
    void a_file_of_nothing() throws IOException {
        assertRoundTrip(Map.of());
        assertRoundTrip(Map.of("only", "metadata"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "\u00e9", "\u56fe.\u5f62", "\ud835\udc00", "a\"b\\c/d", "line\nbreak\u0000", "__metadata"})
    void any_name_and_metadata(String text) throws IOException {
        assertRoundTrip(Map.of(text, "value", "key", text), tensor(text, SafetensorsDtype.U8, 3L));
    }

    @Test
    void a_large_metadata_string() throws IOException {
        assertRoundTrip(Map.of("json", "x".repeat(30_000_000)), tensor("w", SafetensorsDtype.U8, 3L));
    }

    /// More than one chunk, from native memory and from an array that is not of bytes.
    @Test
    void large_tensors_from_any_memory() throws IOException {
        long[] values = LongStream.range(0, 2_500_000).toArray();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment heap = MemorySegment.ofArray(values);
            MemorySegment nativeCopy = arena.allocateFrom(ValueLayout.JAVA_LONG, values);
            Path path = folder.resolve("large.safetensors");
            List<Long> shape = List.of((long) values.length);
            TensorData.write(
                    path,
                    List.of(
                            new TensorData("heap", SafetensorsDtype.I64, shape, heap),
                            new TensorData("native", SafetensorsDtype.I64, shape, nativeCopy)),
                    Map.of());
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                assertThat(file.segment("heap").mismatch(heap)).isEqualTo(-1);
                assertThat(file.segment("native").mismatch(heap)).isEqualTo(-1);
            }
        }
    }

    @Test
    void segments_are_read_only_shared_and_end_with_the_file() throws Exception {
        Path path = RawFile.writeU8(folder.resolve("a.safetensors"), "a", "b");
        SafetensorsFile file = SafetensorsFile.open(path);
        MemorySegment segment = file.segment("b");
        assertThat(segment.isReadOnly()).isTrue();
        assertThat(segment.isNative()).isTrue();
        assertThatThrownBy(() -> segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 7))
                .isInstanceOf(RuntimeException.class);
        assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        byte[] seen = new byte[1];
        Thread.ofPlatform()
                .start(() -> seen[0] = segment.get(ValueLayout.JAVA_BYTE, 0))
                .join();
        assertThat(seen[0]).isEqualTo((byte) 1);
        file.close();
        file.close();
        assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> file.segment("a"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("is closed");
    }

    @Test
    void entries_and_metadata_cannot_be_changed() throws IOException {
        Path path = RawFile.writeU8(folder.resolve("a.safetensors"), "a");
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThatThrownBy(() -> file.entries().clear()).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> file.metadata().clear()).isInstanceOf(UnsupportedOperationException.class);
            file.entry("a").dims()[0] = 99;
            assertThat(file.entry("a").dims()).containsExactly(1);
            assertThat(file.origin("a")).isEqualTo(path.toString());
            assertThat(file.path()).isEqualTo(path);
        }
    }

    @Test
    void equal_content_gives_equal_bytes() throws IOException {
        TensorData a = tensor("a", SafetensorsDtype.F32, 2L);
        TensorData b = tensor("b", SafetensorsDtype.F64, 2L);
        Map<String, String> reversed = new LinkedHashMap<>();
        reversed.put("2", "x");
        reversed.put("1", "y");
        Path first = folder.resolve("first.safetensors");
        Path second = folder.resolve("second.safetensors");
        TensorData.write(first, List.of(a, b), Map.of("1", "y", "2", "x"));
        TensorData.write(second, List.of(b, a), reversed);
        assertThat(first).hasSameBinaryContentAs(second);
    }
}
