package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {

    @TempDir
    Path folder;

    private Path target = Path.of("");

    @BeforeEach
    void writeOldFile() throws IOException {
        target = Files.writeString(folder.resolve("model.safetensors"), "old");
    }

    private static TensorData bytes(String name, int declared, int given) {
        return new TensorData(
                name, SafetensorsDtype.U8, List.of((long) declared), MemorySegment.ofArray(new byte[given]));
    }

    private void assertRefused(List<TensorData> tensors, Map<String, String> metadata, String message)
            throws IOException {
        assertThatThrownBy(() -> TensorData.write(target, tensors, metadata))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(message);
        assertThat(target).hasContent("old");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(target);
        }
    }

    @Test
    void what_no_reader_could_read_is_refused_and_the_old_file_stays() throws IOException {
        assertRefused(List.of(bytes("a", 1, 1), bytes("a", 1, 1)), Map.of(), "two tensors are named 'a'");
        assertRefused(List.of(bytes("__metadata__", 1, 1)), Map.of(), "__metadata__");
        assertRefused(List.of(bytes("a", 2, 1)), Map.of(), "tensor 'a' of U8 [2] has 2 bytes, found 1");
        assertRefused(List.of(bytes("a", 1, 2)), Map.of(), "has 1 bytes, found 2");
        assertRefused(List.of(bytes("\ud800", 1, 1)), Map.of(), "surrogate");
        assertRefused(List.of(), Map.of("a", "\udc00"), "surrogate");
        assertRefused(List.of(), Map.of("a", "x".repeat(100_000_000)), "at most 100000000");
    }

    @Test
    void a_failure_while_writing_leaves_the_old_file() {
        List<TensorSpec> tensors = List.of(new TensorSpec("a", SafetensorsDtype.U8, List.of(2L)));
        assertThatThrownBy(() -> SafetensorsWriter.write(
                        target,
                        tensors,
                        (_, sink) -> {
                            sink.accept(MemorySegment.ofArray(new byte[1]));
                            throw new IOException("the source is gone");
                        },
                        Map.of()))
                .isInstanceOf(IOException.class)
                .hasMessage("the source is gone");
        assertThat(target).hasContent("old");
    }

    @Test
    void content_is_written_in_file_order_and_may_come_in_pieces() throws IOException {
        List<TensorSpec> tensors = List.of(
                new TensorSpec("small", SafetensorsDtype.U8, List.of(2L)),
                new TensorSpec("b", SafetensorsDtype.I64, List.of(1L)),
                new TensorSpec("a", SafetensorsDtype.I64, List.of(1L)));
        List<String> written = new ArrayList<>();
        SafetensorsWriter.Content content = (tensor, sink) -> {
            written.add(tensor.name());
            byte[] half = tensor.name()
                    .repeat(8)
                    .substring(0, (int) tensor.byteSize() / 2)
                    .getBytes(StandardCharsets.UTF_8);
            sink.accept(MemorySegment.ofArray(half));
            sink.accept(MemorySegment.ofArray(half));
        };
        SafetensorsWriter.write(target, tensors, content, Map.of());
        assertThat(written).containsExactly("a", "b", "small");
        try (SafetensorsFile file = SafetensorsFile.open(target)) {
            assertThat(file.entries().keySet()).containsExactly("a", "b", "small");
            assertThat(file.segment("b").toArray(ValueLayout.JAVA_BYTE)).containsOnly('b');
            assertThat(file.segment("small").toArray(ValueLayout.JAVA_BYTE)).containsExactly('s', 's');
        }
    }

    @Test
    void a_negative_dimension_is_refused() {
        assertThatThrownBy(() -> new TensorSpec("w", SafetensorsDtype.F32, List.of(2L, -1L)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessage("'shape': tensor 'w' has a negative dimension: [2, -1]");
    }
}
