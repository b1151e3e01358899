package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Resident memory of a model whose file has 256 MB of weights in bfloat16.
@Tag("memory")
class Float8MemoryTest {

    private static final int LAYERS = 16;
    private static final long SIDE = 2896;
    private static final long FILE = LAYERS * SIDE * SIDE * 2;
    private static final long MEGABYTE = 1L << 20;

    private static final class Net extends Module {
        Net() {
            for (int i = 0; i < LAYERS; i++) {
                module("layers." + i, new Linear(SIDE, SIDE, true));
            }
        }

        /// Reads all weights, as a first picture does.
        void forward() {
            try (Scope _ = new Scope()) {
                Tensor x = Tensors.zeros(DType.FLOAT32, Device.CPU, 1, SIDE);
                modules().values().forEach(one -> {
                    if (one instanceof Linear linear) {
                        linear.forward(x);
                    }
                });
            }
        }
    }

    @TempDir
    private static Path folder;

    @BeforeAll
    static void write() throws IOException {
        AllocatedMemory.mapLargeBlocks(); // else what one load frees may stay with the process and serve the next
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            Tensor weight = Tensors.full(0.5, DType.BFLOAT16, Device.CPU, SIDE, SIDE);
            Tensor bias = Tensors.zeros(DType.BFLOAT16, Device.CPU, SIDE);
            for (int i = 0; i < LAYERS; i++) {
                tensors.put("layers." + i + ".weight", weight);
                tensors.put("layers." + i + ".bias", bias);
            }
            TensorFiles.write(file(), tensors, Map.of());
        }
    }

    private static Path file() {
        return folder.resolve("net.safetensors");
    }

    /// @return bytes that came to be resident: at the end, and at most
    private static long[] load(boolean float8) {
        ResidentMemory.resetPeak();
        long before = ResidentMemory.bytes();
        try (Net net = new Net()) {
            new WeightLoader(DType.BFLOAT16, Device.CPU, float8).load(net, SafetensorsFile.open(file()));
            long peak = ResidentMemory.peakBytes() - before;
            net.forward();
            return new long[] {ResidentMemory.bytes() - before, peak};
        }
    }

    @Test
    void float8TakesHalfOfBfloat16AndNeverBothAtOnce() {
        long[] narrow = load(true);
        long half = load(false)[0];
        assertThat(half).isBetween(FILE * 9 / 10, FILE * 11 / 10);
        assertThat(narrow[0]).isBetween(half * 45 / 100, half * 56 / 100); // 17 MB of both are the products' buffer
        // While it is made: one weight of 17 MB in the file, and parts of it in float32.
        assertThat(narrow[1]).isLessThan(FILE / 2 + 60 * MEGABYTE);
    }
}
