package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Looking up some rows of a table of 128 MB takes memory for those rows, whatever dtype they are wanted in.
@Tag("memory")
class EmbeddingMemoryTest {

    private static final long COUNT = 64 << 10;
    private static final long SIZE = 1024;
    private static final long MEGABYTE = 1L << 20;

    @TempDir
    private static Path folder;

    @BeforeAll
    static void write() throws IOException {
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(7)) {
            Tensor table = generator.randn(DType.BFLOAT16, COUNT, SIZE);
            TensorFiles.write(file(), Map.of("weight", table), Map.of());
        }
    }

    private static Path file() {
        return folder.resolve("table.safetensors");
    }

    @ParameterizedTest
    @CsvSource({
        "BFLOAT16, BFLOAT16, false",
        "BFLOAT16, FLOAT32, false",
        "FLOAT32, FLOAT32, false",
        "FLOAT16, FLOAT32, false",
        "FLOAT32, BFLOAT16, true"
    })
    void noOtherRowIsReadOrCast(DType resting, DType compute, boolean offloaded) {
        try (Scope _ = new Scope();
                Embedding table = new Embedding(COUNT, SIZE);
                Embedding whole = new Embedding(COUNT, SIZE)) {
            Tensor ids = Tensors.of(new long[] {3, 65_535, 0, 30_000, 3, 1}, 2, 3);
            new WeightLoader(resting, Device.CPU).open(table, SafetensorsFile.open(file()), Set.of(), offloaded);
            ResidentMemory.resetPeak();
            long before = ResidentMemory.bytes();

            Tensor rows = table.forward(ids, compute);

            assertThat(ResidentMemory.peakBytes() - before).isLessThan(16 * MEGABYTE);
            new WeightLoader(resting, Device.CPU).load(whole, SafetensorsFile.open(file()));
            TensorAssert.assertSame("rows", rows, whole.forward(ids, compute));
        }
    }
}
