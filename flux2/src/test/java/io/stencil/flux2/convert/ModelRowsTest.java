package io.stencil.flux2.convert;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.gguf.BlockType;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.WeightValues;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelRowsTest {

    private static final int ROWS = 3;
    private static final int COLUMNS = (int) (WeightValues.PART_ELEMENTS / 2);

    @TempDir
    private Path folder;

    /// A table of float32 is mapped and needs no widening, but its blocks are made in memory.
    @Test
    void aMatrixInFloat32IsQuantizedPartByPart() throws IOException {
        Path path = folder.resolve("table.safetensors");
        float[] values = new float[ROWS * COLUMNS];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i % 1013) - 500;
        }
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        try (Scope _ = new Scope()) {
            TensorFiles.write(path, Map.of("table", Tensors.of(values, ROWS, COLUMNS)), Map.of());
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                assertThat(file.entry("table").dtype().formatName())
                        .isEqualTo(DType.FLOAT32.fileDtype().formatName());
                ModelRows.writeBlocks(List.of(new ModelRows(file, "table", false)), BlockType.Q8_0, bytes -> {
                    assertThat(bytes.byteSize()).isLessThanOrEqualTo(size((int) WeightValues.PART_ELEMENTS));
                    written.writeBytes(bytes.toArray(ValueLayout.JAVA_BYTE));
                });
            }
        }
        byte[] expected = new byte[size(values.length)];
        BlockType.Q8_0.narrow(MemorySegment.ofArray(values), MemorySegment.ofArray(expected));
        assertThat(Arrays.mismatch(written.toByteArray(), expected)).isEqualTo(-1);
    }

    private static int size(int elements) {
        return elements / BlockType.Q8_0.elements() * BlockType.Q8_0.bytes();
    }
}
