package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.autograd.GradientTape;
import io.stencil.error.InvalidRequestException;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Weights that are read at their first use and let go of after each.
class OffloadedWeightsTest {

    private static final class Net extends Module {
        private final Linear first = module("first", new Linear(48, 64, true));
        private final Linear second = module("second", new Linear(64, 16, false));

        Tensor forward(Tensor x) {
            return second.forward(first.forward(x).tanh());
        }
    }

    @TempDir
    private Path folder;

    private final Scope scope = new Scope();
    private final TorchGenerator generator = new TorchGenerator(4);
    private final Net net = new Net();
    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("net.safetensors");
        try (Net random = new Net()) {
            random.initialize(DType.BFLOAT16, Device.CPU, generator);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            random.state().forEach((name, one) -> tensors.put(name, one.get()));
            TensorFiles.write(file, tensors, Map.of());
        }
    }

    @AfterEach
    void free() {
        net.close();
        generator.close();
        scope.close();
    }

    private void open(Module module, DType dtype, boolean offloaded) {
        new WeightLoader(dtype, Device.CPU).open(module, SafetensorsFile.open(file), Set.of(), offloaded);
    }

    private boolean isInMemory(DType dtype) {
        WeightStorage.Resident weight = net.first.weight().storage().inMemory();
        return weight != null && weight.isInMemory() && weight.dtype() == dtype;
    }

    @Test
    void nothingIsReadBeforeItIsUsedAndThenItStays() {
        open(net, DType.FLOAT32, false);
        assertThat(net.first.weight().dtype()).isEqualTo(DType.FLOAT32);
        assertThat(net.first.weight().shape()).containsExactly(64, 48);
        assertThat(net.parameterCount()).isEqualTo(64 * 48 + 64 + 16 * 64);
        assertThat(isInMemory(DType.FLOAT32)).isFalse();
        net.forward(generator.randn(DType.FLOAT32, 2, 48));
        assertThat(isInMemory(DType.FLOAT32)).isTrue();
        net.evict();
        assertThat(isInMemory(DType.FLOAT32)).isTrue();
    }

    /// In bfloat16 the weights are views of the file, in float32 copies.
    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void offloadingChangesNeitherOutputsNorGradients(DType dtype) {
        open(net, dtype, true);
        Tensor x = generator.randn(DType.FLOAT32, 3, 48);
        Tensor mine = x.clone();
        mine.requires_grad_(true);
        Tensor y;
        try (GradientTape tape = new GradientTape()) {
            y = net.forward(mine);
            tape.backward(y.square().sum());
        }
        try (Net resident = new Net()) {
            open(resident, dtype, false);
            Tensor theirs = x.clone();
            theirs.requires_grad_(true);
            try (GradientTape tape = new GradientTape()) {
                Tensor expected = resident.forward(theirs);
                tape.backward(expected.square().sum());
                TensorAssert.assertClose("y", y, expected, 1e-6);
            }
            TensorAssert.assertClose("gradient", mine.grad(), theirs.grad(), 1e-6);
        }
    }

    @Test
    void aCopyIsFreedAfterEachUse() {
        open(net, DType.FLOAT32, true);
        Tensor x = generator.randn(DType.FLOAT32, 2, 48);
        float[] once = Tensors.toFloats(net.forward(x));
        assertThat(isInMemory(DType.FLOAT32)).isFalse();
        assertThat(Tensors.toFloats(net.forward(x))).containsExactly(once);
    }

    @ParameterizedTest
    @EnumSource(names = {"BFLOAT16", "FLOAT32"})
    void aThreadLetsGoOfNothingThatAnotherUses(DType dtype) throws Exception {
        open(net, dtype, true);
        Parameter weight = net.first.weight();
        Tensor mine = weight.get();
        float[] values = Tensors.toFloats(DType.FLOAT32.cast(mine));
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            float[] theirs = other.submit(() -> {
                        try (Scope _ = new Scope()) {
                            float[] found = Tensors.toFloats(DType.FLOAT32.cast(weight.get()));
                            weight.evict();
                            return found;
                        }
                    })
                    .get();
            assertThat(theirs).isEqualTo(values);
        }
        assertThat(mine.isNull()).isFalse();
        assertThat(Tensors.toFloats(DType.FLOAT32.cast(mine))).isEqualTo(values);
        assertThat(weight.isInMemory()).isTrue();
        weight.evict();
        assertThat(weight.isInMemory()).isFalse();
    }

    /// A fused update would have to stay in memory with its weight.
    @Test
    void loraIsHotLoadedAndNotFused() {
        open(net, DType.FLOAT32, true);
        LoraPair pair = new LoraPair(generator.randn(DType.FLOAT32, 2, 48), generator.randn(DType.FLOAT32, 64, 2));
        Lora lora = new Lora(Map.of("first", pair));
        assertThatThrownBy(() -> lora.fuse(net, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'lora': 'first' is read from its file at each use")
                .hasMessageEndingWith("hot-load it, or load the model without offload_models");
        Tensor x = generator.randn(DType.FLOAT32, 3, 48);
        try (LoraBinding _ = LoraBinding.bind(net, lora);
                Net fused = new Net()) {
            open(fused, DType.FLOAT32, false);
            lora.fuse(fused, 1);
            TensorAssert.assertClose("y", net.forward(x), fused.forward(x), 1e-5);
        }
        assertThat(net.state())
                .allSatisfy((_, one) -> assertThat(one.isInMemory()).isFalse());
    }

    @Test
    void whatIsTrainedOrChangedStays() {
        open(net, DType.FLOAT32, true);
        net.trainOnly(Set.of("first"));
        net.first.weight().get().detach().zero_();
        net.second.weight().set(Tensors.full(1, DType.FLOAT32, Device.CPU, 16, 64));
        net.evict();
        assertThat(Tensors.toFloats(net.first.weight().get().detach())).containsOnly(0);
        assertThat(Tensors.toFloats(net.second.weight().get())).containsOnly(1);
    }
}
