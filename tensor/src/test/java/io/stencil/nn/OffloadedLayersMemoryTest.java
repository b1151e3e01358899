package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradientTape;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.AllocatedMemory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What waits for the backward pass behind layers whose weights are let go of: their results, and nothing of the
/// weights.
@Tag("memory")
class OffloadedLayersMemoryTest {

    private static final long WIDTH = 1024;
    private static final long NORMED = 4L << 20;
    private static final long MEGABYTE = 1L << 20;

    @TempDir
    private Path folder;

    private long held(Module layer, DType resting, Tensor x, UnaryOperator<Tensor> forward) throws IOException {
        Path file = folder.resolve("layer.safetensors");
        try (Scope _ = new Scope()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            layer.shapes()
                    .forEach((name, shape) -> tensors.put(name, Tensors.full(0.5, DType.BFLOAT16, Device.CPU, shape)));
            TensorFiles.write(file, tensors, Map.of());
        }
        AllocatedMemory.mapLargeBlocks();
        new WeightLoader(resting, Device.CPU).open(layer, SafetensorsFile.open(file), Set.of(), true);
        x.requires_grad_(true);
        try (layer;
                GradientTape tape = new GradientTape()) {
            long before = AllocatedMemory.bytes();
            Tensor loss;
            long held;
            try (Scope scope = new Scope()) {
                Tensor y;
                try (Scope inner = new Scope()) {
                    y = inner.keep(forward.apply(x));
                }
                held = AllocatedMemory.bytes() - before - y.nbytes();
                loss = scope.keep(y.sum());
            }
            tape.backward(loss);
            return held;
        }
    }

    /// 38 MB of weight in float32.
    @Test
    void ofAConvolution() throws IOException {
        try (Scope _ = new Scope()) {
            for (DType resting : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
                Conv2d layer = new Conv2d(WIDTH, WIDTH, 3);
                Tensor x = Tensors.full(0.5, DType.FLOAT32, Device.CPU, 1, WIDTH, 4, 4);
                assertThat(held(layer, resting, x, layer::forward)).isLessThan(MEGABYTE);
            }
        }
    }

    /// 16 MB of weight in float32. The input, which the gradient needs, was there before.
    @Test
    void ofANormalisation() throws IOException {
        try (Scope _ = new Scope()) {
            for (DType resting : new DType[] {DType.BFLOAT16, DType.FLOAT32}) {
                RmsNorm layer = new RmsNorm(NORMED, 1e-6);
                Tensor x = Tensors.full(0.5, DType.FLOAT32, Device.CPU, 1, NORMED);
                assertThat(held(layer, resting, x, layer::forward)).isLessThan(MEGABYTE);
            }
        }
    }
}
