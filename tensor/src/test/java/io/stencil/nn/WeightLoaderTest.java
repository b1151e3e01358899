package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorEntry;
import io.stencil.safetensors.TensorSource;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WeightLoaderTest {

    private static final WeightLoader FLOAT32 = new WeightLoader(DType.FLOAT32, Device.CPU);

    private static final class Net extends Module {
        private final Linear linear = module("linear", new Linear(2, 3, true));
        private final Parameter count = buffer("count", Initializer.ZEROS, DType.INT64);
    }

    @TempDir
    private Path folder;

    private final Scope scope = new Scope();
    private final Net net = new Net();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>(Map.of(
            "linear.weight", Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2),
            "linear.bias", Tensors.of(new float[] {7, 8, 9}, 3),
            "count", Tensors.of(new long[] {12})));

    @AfterEach
    void free() {
        net.close();
        scope.close();
    }

    private Path file() {
        return folder.resolve("net.safetensors");
    }

    private SafetensorsFile write() throws IOException {
        TensorFiles.write(file(), tensors, Map.of());
        return SafetensorsFile.open(file());
    }

    private static boolean isMapped(Path file) throws IOException {
        return Files.readString(Path.of("/proc/self/maps")).contains(file.toString());
    }

    private void assertLoaded() {
        assertThat(Tensors.toFloats(net.linear.forward(Tensors.of(new float[] {1, 1}, 2))))
                .containsExactly(10, 15, 20);
        assertThat(Tensors.toLongs(net.count.get())).containsExactly(12);
    }

    /// A net with a counter of batch normalisation.
    private static final class CountingNet extends Module {
        private final Linear linear = module("linear", new Linear(2, 3, true));
        private final Parameter count = buffer("num_batches_tracked", Initializer.ZEROS, DType.INT64);
    }

    /// A file that breaks at one tensor, as where its disk is gone.
    private record Breaking(SafetensorsFile file, String broken) implements TensorSource {
        @Override
        public Map<String, TensorEntry> entries() {
            return file.entries();
        }

        @Override
        public TensorEntry entry(String name) {
            return file.entry(name);
        }

        @Override
        public MemorySegment segment(String name) {
            if (name.equals(broken)) {
                throw new InternalError("a fault occurred in an unsafe memory access");
            }
            return file.segment(name);
        }

        @Override
        public Map<String, String> metadata() {
            return file.metadata();
        }

        @Override
        public String origin(String name) {
            return file.origin(name);
        }

        @Override
        public void close() {
            file.close();
        }
    }

    @Test
    void anErrorWhileReadingUnmapsTheFileAndChangesNothing() throws IOException {
        TensorSource broken = new Breaking(write(), "linear.bias");
        assertThatThrownBy(() -> FLOAT32.load(net, broken)).isInstanceOf(InternalError.class);
        assertThat(isMapped(file())).isFalse();
        assertThat(net.state().values()).noneMatch(Parameter::isInMemory);
        FLOAT32.load(net, write());
        assertLoaded();
    }

    @Test
    void bookkeepingOfOtherWritersMayBeThere() throws IOException {
        tensors.put("scaled_fp8", Tensors.of(new float[] {0}, 1));
        tensors.put("model.rotary_emb.inv_freq", Tensors.of(new float[] {1, 2}, 2));
        tensors.put("text_model.embeddings.position_ids", Tensors.of(new long[] {0, 1}, 2));
        tensors.put("bn.num_batches_tracked", Tensors.of(new long[] {5}));
        SafetensorsFile source = write();
        WeightLoader.check(net, source);
        FLOAT32.load(net, source);
        assertLoaded();
        try (Net opened = new Net()) {
            FLOAT32.open(opened, SafetensorsFile.open(file()), Set.of(), false);
            assertThat(Tensors.toLongs(opened.count.get())).containsExactly(12);
        }
    }

    @Test
    void allElseStaysUnexpected() throws IOException {
        tensors.put("scaled_fp8", Tensors.of(new float[] {0}, 1));
        tensors.put("linear.scale_weight", Tensors.of(new float[] {2}, 1));
        tensors.put("inv_freq", Tensors.of(new float[] {1}, 1));
        tensors.put("my_position_ids", Tensors.of(new float[] {1}, 1));
        SafetensorsFile source = write();

        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("3 unexpected (")
                .hasMessageContaining("linear.scale_weight")
                .hasMessageContaining("inv_freq")
                .hasMessageContaining("my_position_ids");
    }

    @Test
    void aCounterMayBeAbsentAndBeginsAtZero() throws IOException {
        tensors.remove("count");
        write().close();
        try (CountingNet loaded = new CountingNet();
                CountingNet opened = new CountingNet()) {
            FLOAT32.load(loaded, SafetensorsFile.open(file()));
            FLOAT32.open(opened, SafetensorsFile.open(file()), Set.of(), true);
            for (CountingNet one : new CountingNet[] {loaded, opened}) {
                assertThat(Tensors.toLongs(one.count.get())).containsExactly(0);
                assertThat(Tensors.toFloats(one.linear.forward(Tensors.of(new float[] {1, 1}, 2))))
                        .containsExactly(10, 15, 20);
            }
        }
        assertThatThrownBy(() -> FLOAT32.load(net, SafetensorsFile.open(file())))
                .hasMessageContaining("1 missing (count)");
    }

    @Test
    void parametersOfTheSameDtypeAreViewsOfTheFileUntilTheModuleIsClosed() throws IOException {
        SafetensorsFile source = write();
        FLOAT32.load(net, source);
        try (Scope _ = new Scope()) {
            assertLoaded();
            assertThat(net.linear.weight().get().data_ptr().address())
                    .isEqualTo(source.segment("linear.weight").address());
        }
        assertThat(isMapped(file())).isTrue();
        net.close();
        assertThat(isMapped(file())).isFalse();
        assertThatThrownBy(() -> source.segment("count")).isInstanceOf(InvalidStateException.class);
    }

    /// In float32 the weight is a view of the file, in bfloat16 a copy.
    @ParameterizedTest
    @EnumSource(names = {"FLOAT32", "BFLOAT16"})
    void aTensorOfAClosedModuleIsReadableUntilItsScopeIsClosed(DType dtype) throws IOException {
        new WeightLoader(dtype, Device.CPU).load(net, write());
        Parameter parameter = net.linear.weight();
        Tensor weight;
        try (Scope _ = new Scope()) {
            weight = parameter.get();
            float[] values = Tensors.toFloats(weight);
            net.close();
            assertThat(Tensors.toFloats(weight)).isEqualTo(values);
            assertThatThrownBy(parameter::get).isInstanceOf(InvalidStateException.class);
            assertThatThrownBy(() -> parameter.in(dtype)).isInstanceOf(InvalidStateException.class);
        }
        assertThat(weight.isNull()).isTrue();
        assertThat(isMapped(file())).isFalse();
    }

    @Test
    void aFileOfAnotherDtypeIsClosedAfterLoading() throws IOException {
        SafetensorsFile source = write();
        new WeightLoader(DType.BFLOAT16, Device.CPU).load(net, source);
        assertLoaded();
        assertThat(net.linear.weight().dtype()).isEqualTo(DType.BFLOAT16);
        assertThat(net.count.dtype()).isEqualTo(DType.INT64);
        assertThat(isMapped(file())).isFalse();
    }

    /// Wherever the header of the file puts them; those that begin at a multiple of 64 bytes stay views.
    @Test
    void weightsOfATemplateAreAligned() throws IOException {
        Set<Boolean> views = new HashSet<>();
        for (int length = 0; length < 64; length += 8) {
            TensorFiles.write(file(), tensors, Map.of("key", "v".repeat(length)));
            SafetensorsFile source = SafetensorsFile.open(file());
            long inFile = source.segment("linear.bias").address();
            try (Net other = new Net()) {
                FLOAT32.loadRest(other, source, Set.of());
                Tensor bias =
                        Objects.requireNonNull(other.state().get("linear.bias")).get();
                long address = bias.data_ptr().address();
                assertThat(address % 64).isZero();
                views.add(address == inFile);
                assertThat(Tensors.toFloats(bias)).containsExactly(7, 8, 9);
                assertThat(other.linear.weight().get().data_ptr().address() % 64)
                        .isZero();
            }
        }
        assertThat(views).containsExactlyInAnyOrder(true, false);
    }

    @Test
    void aViewIsCopiedWhenItIsTrained() throws IOException {
        SafetensorsFile source = write();
        byte[] before = Files.readAllBytes(file());
        FLOAT32.load(net, source);
        net.trainOnly(Set.of("linear.weight"));
        assertThat(net.linear.weight().get().data_ptr().address())
                .isNotEqualTo(source.segment("linear.weight").address());
        net.linear.weight().get().detach().zero_();
        assertThat(Tensors.toFloats(net.linear.forward(Tensors.of(new float[] {1, 1}, 2))))
                .containsExactly(7, 8, 9);
        assertThat(Files.readAllBytes(file())).containsExactly(before);
    }

    @Test
    void loadingAgainReplacesTheContent() throws IOException {
        FLOAT32.load(net, write());
        tensors.put("count", Tensors.of(new long[] {99}));
        Files.delete(file());
        FLOAT32.load(net, write());
        assertThat(Tensors.toLongs(net.count.get())).containsExactly(99);
    }

    @Test
    void namesToIgnoreMayBeThere() throws IOException {
        tensors.put("lm_head.weight", Tensors.of(new float[] {1}, 1));
        FLOAT32.load(net, write(), Set.of("lm_head.weight", "absent"));
        assertLoaded();
    }

    @Test
    void everyFaultIsNamedAndNothingIsLoaded() throws IOException {
        tensors.remove("linear.bias");
        tensors.put("linear.weight", Tensors.of(new float[6], 2, 3));
        tensors.put("linear.scale", Tensors.of(new float[1], 1));
        tensors.put("count", Tensors.of(new float[] {12}));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(file() + ": tensors do not fit the model: 1 missing (linear.bias);"
                        + " 1 unexpected (linear.scale);"
                        + " 1 of another shape (linear.weight is [2, 3], expected [3, 2]);"
                        + " 1 of another kind of dtype (count is F32, expected I64)");
        assertThat(Device.of(net.linear.weight().get())).isEqualTo(Device.META);
        assertThat(isMapped(file())).isFalse();
    }

    @Test
    void aComplexTensorIsNoParameter() throws IOException {
        tensors.put("count", Tensors.zeros(DType.COMPLEX64, Device.CPU));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("count is C64, expected I64");
    }

    @Test
    void aFaultWhilePlacingLeavesTheModuleAsItWas() throws IOException {
        SafetensorsFile source = write();
        WeightLoader nowhere = new WeightLoader(DType.FLOAT32, new Device(Device.Kind.CUDA, 63));
        assertThatThrownBy(() -> nowhere.load(net, source)).isInstanceOf(RuntimeException.class);
        assertThat(Device.of(net.linear.weight().get())).isEqualTo(Device.META);
        assertThat(isMapped(file())).isFalse();
    }

    @Test
    void tenNamesAreShown() throws IOException {
        for (int i = 0; i < 13; i++) {
            tensors.put("x" + (char) ('a' + i), Tensors.of(new float[1], 1));
        }
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("13 unexpected (xa, xb, xc, xd, xe, xf, xg, xh, xi, xj, ... and 3 more)");
    }

    @Test
    void anEmptyFileMissesEverything() throws IOException {
        tensors.clear();
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("3 missing (count, linear.weight, linear.bias)");
    }

    @Test
    void halfPrecisionAndFloat8FilesLoad() throws IOException {
        for (DType stored : new DType[] {DType.FLOAT16, DType.BFLOAT16, DType.FLOAT8_E4M3FN, DType.FLOAT64}) {
            Map<String, Tensor> half = new LinkedHashMap<>(tensors);
            half.replaceAll((name, tensor) -> name.equals("count") ? tensor : stored.cast(tensor));
            Path file = folder.resolve(stored + ".safetensors");
            TensorFiles.write(file, half, Map.of());
            FLOAT32.load(net, SafetensorsFile.open(file));
            assertLoaded();
            assertThat(Objects.requireNonNull(net.state().get("linear.bias")).dtype())
                    .isEqualTo(DType.FLOAT32);
        }
    }

    /// A weight that float8 with a scale holds exactly, with the row sums of the other one.
    private void takeExactWeight() {
        tensors.put("linear.weight", Tensors.of(new float[] {1, 2, 7, 0, 4, 7}, 3, 2));
    }

    @Test
    void linearWeightsRestInFloat8AndAllElseAsItWas() throws IOException {
        takeExactWeight();
        new WeightLoader(DType.FLOAT32, Device.CPU, true).load(net, write());
        assertThat(net.linear.weight().dtype()).isEqualTo(DType.FLOAT8_E4M3FN);
        assertThat(Objects.requireNonNull(net.state().get("linear.bias")).dtype())
                .isEqualTo(DType.FLOAT32);
        assertLoaded();
        assertThatThrownBy(() -> net.trainOnly(Set.of("linear.weight")))
                .hasMessage("'parts': a weight in float8 cannot be trained");
        net.trainOnly(Set.of("linear.bias"));
    }

    @Test
    void weightsThatAreInFloat8InTheFileStayThere() throws IOException {
        tensors.put("linear.weight", DType.FLOAT8_E4M3FN.cast(Objects.requireNonNull(tensors.get("linear.weight"))));
        SafetensorsFile source = write();
        new WeightLoader(DType.FLOAT32, Device.CPU, true).load(net, source);
        assertThat(net.linear.weight().get().data_ptr().address())
                .isEqualTo(source.segment("linear.weight").address());
        assertLoaded();
    }

    @Test
    void weightsThatAreInFloat8InTheFileAreWidenedWhereFloat8IsNotAskedFor() throws IOException {
        tensors.put("linear.weight", DType.FLOAT8_E4M3FN.cast(Objects.requireNonNull(tensors.get("linear.weight"))));
        FLOAT32.load(net, write());
        assertThat(net.linear.weight().dtype()).isEqualTo(DType.FLOAT32);
        assertLoaded();
    }

    @Test
    void loraIsHotLoadedOnFloat8AndNotFused() throws IOException {
        takeExactWeight();
        new WeightLoader(DType.FLOAT32, Device.CPU, true).load(net, write());
        Lora lora = new Lora(Map.of(
                "linear", new LoraPair(Tensors.of(new float[] {1, 0}, 1, 2), Tensors.of(new float[] {1, 0, 0}, 3, 1))));
        Tensor x = Tensors.of(new float[] {1, 1}, 2);
        assertThatThrownBy(() -> lora.fuse(net, 1))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageStartingWith("'lora': 'linear' rests in float8");
        assertThat(Tensors.toFloats(net.linear.forward(x))).containsExactly(10, 15, 20);
        try (LoraBinding _ = LoraBinding.bind(net, lora)) {
            assertThat(Tensors.toFloats(net.linear.forward(x))).containsExactly(11, 15, 20);
        }
    }

    @Test
    void aPlainTensorInPlaceOfAFloat8WeightHasNoScale() throws IOException {
        new WeightLoader(DType.FLOAT32, Device.CPU, true).load(net, write());
        net.linear.weight().set(Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2));
        assertLoaded();
    }
}
