package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Against `every_dtype.safetensors`, which a script of Python's standard library wrote.
class PythonLayoutTest {

    @TempDir
    Path folder;

    private Path everyDtype() throws IOException {
        Path file = folder.resolve("every_dtype.safetensors");
        try (InputStream resource =
                PythonLayoutTest.class.getResourceAsStream("/safetensors/every_dtype.safetensors")) {
            Files.write(file, Objects.requireNonNull(resource).readAllBytes());
        }
        return file;
    }

    @Test
    void it_is_read() throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(everyDtype())) {
            assertThat(file.metadata())
                    .isEqualTo(Map.of(
                            "format", "pt",
                            "json", "{\"a\": \"b\\n\"}",
                            "text", "tab\t quote\" slash/ bell\u0007 unit\u001f del\u007f \u00e9 \ud835\udc00"));
            for (SafetensorsDtype dtype : SafetensorsDtype.values()) {
                TensorEntry entry = file.entry("dtype." + dtype.formatName());
                assertThat(entry.dtype()).isEqualTo(dtype);
                assertThat(entry.dims()).containsExactly(2, 4);
                assertThat(entry.elementCount()).isEqualTo(8);
                assertThat(entry.byteSize()).isEqualTo(dtype.bits());
            }
            assertThat(file.entry("scalar").shape()).isEmpty();
            assertThat(file.entry("empty").dims()).containsExactly(0, 3);
            assertThat(file.segment("empty").byteSize()).isZero();
            long dataStart = file.entries().values().iterator().next().begin();
            for (TensorEntry entry : file.entries().values()) {
                for (long i = 0; i < entry.byteSize(); i++) {
                    int expected = (int) ((entry.begin() - dataStart + i) * 7 % 251);
                    assertThat(Byte.toUnsignedInt(file.segment(entry.name()).get(ValueLayout.JAVA_BYTE, i)))
                            .isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void it_is_written_byte_for_byte() throws IOException {
        Path copy = folder.resolve("copy.safetensors");
        Path original = everyDtype();
        try (SafetensorsFile file = SafetensorsFile.open(original)) {
            List<TensorData> tensors = new ArrayList<>();
            file.entries()
                    .values()
                    .forEach(entry -> tensors.add(new TensorData(
                            entry.name(),
                            (SafetensorsDtype) entry.dtype(),
                            entry.shape(),
                            file.segment(entry.name()))));
            Collections.reverse(tensors);
            TensorData.write(copy, tensors, file.metadata());
        }
        assertThat(copy).hasSameBinaryContentAs(original);
    }

    @Test
    void its_key_hash_sorts_by_code_point() throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(everyDtype())) {
            assertThat(KeyHash.of(file.entries().values())).isEqualTo("9cceffd44b8468ba27c377095eb0205a");
        }
    }

    @Test
    void a_file_without_tensors_is_two_brackets_and_padding() throws IOException {
        Path file = folder.resolve("empty.safetensors");
        TensorData.write(file, List.of(), Map.of());
        assertThat(Files.readAllBytes(file)).isEqualTo("\u0008\0\0\0\0\0\0\0{}      ".getBytes(StandardCharsets.UTF_8));
    }
}
