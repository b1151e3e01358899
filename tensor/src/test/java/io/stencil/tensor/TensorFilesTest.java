package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TensorFilesTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource
    void everyDtypeRoundTripsBitForBit(DType dtype) throws IOException {
        Path file = folder.resolve("all.safetensors");
        try (Scope _ = new Scope()) {
            byte[] bytes = new byte[6 * dtype.bytes()];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = dtype == DType.BOOL ? (byte) (i % 2) : (byte) (i * 37 + 1);
            }
            Tensor tensor = Tensors.ofBytes(bytes, bytes.length).view(dtype.scalarType());
            TensorFiles.write(file, Map.of("x", tensor.view(2, 3)), Map.of());
            Tensor found = Objects.requireNonNull(TensorFiles.read(file).get("x"));
            assertThat(DType.of(found)).isEqualTo(dtype);
            assertThat(Tensors.shape(found)).containsExactly(2, 3);
            assertThat(Tensors.toBytes(found.flatten().view(DType.UINT8.scalarType())))
                    .containsExactly(bytes);
        }
    }

    @Test
    void scalarsEmptyTensorsViewsAndMetadata() throws IOException {
        Path file = folder.resolve("a file.safetensors");
        try (Scope _ = new Scope()) {
            Tensor matrix = Tensors.of(new float[] {1, 2, 3, 4}, 2, 2);
            matrix.requires_grad_(true);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("scalar", Tensors.of(new long[] {7}));
            tensors.put("empty", Tensors.zeros(DType.BFLOAT16, Device.CPU, 0, 5));
            tensors.put("turned", matrix.transpose(0, 1));
            TensorFiles.write(file, tensors, Map.of("step", "12"));

            Map<String, Tensor> found = TensorFiles.read(file);
            assertThat(found.keySet()).containsExactlyInAnyOrder("scalar", "empty", "turned");
            assertThat(Tensors.toLongs(one(found, "scalar"))).containsExactly(7);
            assertThat(Tensors.shape(one(found, "scalar"))).isEmpty();
            assertThat(Tensors.shape(one(found, "empty"))).containsExactly(0, 5);
            assertThat(DType.of(one(found, "empty"))).isEqualTo(DType.BFLOAT16);
            assertThat(Tensors.toFloats(one(found, "turned"))).containsExactly(1, 3, 2, 4);
            try (SafetensorsFile source = SafetensorsFile.open(file)) {
                assertThat(source.metadata()).containsExactlyEntriesOf(Map.of("step", "12"));
            }
        }
    }

    @Test
    void aViewIsTheMappedFileItself() throws IOException {
        Path file = folder.resolve("view.safetensors");
        try (Scope _ = new Scope()) {
            TensorFiles.write(file, Map.of("x", Tensors.of(new float[] {1, 2}, 2)), Map.of());
            try (SafetensorsFile source = SafetensorsFile.open(file);
                    Scope _ = new Scope()) {
                Tensor view = TensorFiles.view(source, "x");
                assertThat(view.data_ptr().address())
                        .isEqualTo(source.segment("x").address());
                assertThat(Tensors.toFloats(view)).containsExactly(1, 2);
            }
        }
    }

    @Test
    void whatIsReadOutlivesItsFile() throws IOException {
        Path file = folder.resolve("gone.safetensors");
        try (Scope _ = new Scope()) {
            Tensor tensor = Tensors.of(new float[] {1, 2}, 2);
            TensorFiles.write(file, Map.of("x", tensor), Map.of());
            Map<String, Tensor> found = TensorFiles.read(file);
            Files.delete(file);
            TensorAssert.assertSame("x", one(found, "x"), tensor);
            assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain("gone.safetensors");
        }
    }

    @Test
    void anUnalignedTensorIsCopied() throws IOException {
        String header = "{\"odd\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                + "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}";
        Path file = write(
                header,
                ByteBuffer.allocate(9)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put((byte) 1)
                        .putFloat(1.5f)
                        .putFloat(-2));
        try (Scope _ = new Scope();
                SafetensorsFile source = SafetensorsFile.open(file)) {
            assertThat(source.segment("x").address() % 4).isNotZero();
            Tensor tensor = TensorFiles.view(source, "x");
            assertThat(tensor.data_ptr().address() % 4).isZero();
            assertThat(Tensors.toFloats(tensor)).containsExactly(1.5f, -2);
        }
    }

    @Test
    void aDtypeThatLibtorchLacksIsRefused() throws IOException {
        Path file = write("{\"x\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", ByteBuffer.allocate(1));
        try (SafetensorsFile source = SafetensorsFile.open(file)) {
            assertThatThrownBy(() -> TensorFiles.view(source, "x"))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(file + ": 'x': is of dtype F4, which libtorch cannot hold");
        }
    }

    private Path write(String header, ByteBuffer content) throws IOException {
        String padded = header + " ".repeat(-header.length() & 7);
        byte[] text = padded.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + text.length + content.capacity()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(text.length).put(text).put(content.rewind());
        return Files.write(folder.resolve("made.safetensors"), bytes.array());
    }

    private static Tensor one(Map<String, Tensor> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }
}
