package io.stencil.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.gguf.BlockType;
import io.stencil.gguf.GgufFile;
import io.stencil.gguf.GgufValue;
import io.stencil.gguf.GgufWriter;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.testing.TensorAssert;
import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Weights that are quantized in their file: in float8 with scales, or in blocks.
class QuantizedFileTest {

    private static final WeightLoader FLOAT32 = new WeightLoader(DType.FLOAT32, Device.CPU);

    private static final class Net extends Module {
        private final Linear linear = module("linear", new Linear(2, 3, false));
    }

    /// A layer and a table of the golden text encoder.
    private static final class GgufNet extends Module {
        private final Embedding table = module("token_embd", new Embedding(1280, 64));
        private final Linear down = module("blk.3.ffn_down", new Linear(128, 64, false));
    }

    @TempDir
    private Path folder;

    private final Scope scope = new Scope();
    private final Net net = new Net();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    @AfterEach
    void free() {
        net.close();
        scope.close();
    }

    private SafetensorsFile write() throws IOException {
        Path file = folder.resolve("net.safetensors");
        TensorFiles.write(file, tensors, Map.of());
        return SafetensorsFile.open(file);
    }

    private void putWeight(DType dtype) {
        tensors.put("linear.weight", dtype.cast(Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2)));
    }

    private float[] product() {
        return Tensors.toFloats(net.linear.forward(Tensors.of(new float[] {1, 1}, 2)));
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT8_E4M3FN, linear.weight_scale",
        "FLOAT8_E5M2, linear.weight_scale",
        "FLOAT8_E4M3FN, linear.scale_weight"
    })
    void oneScaleForAllRowsIsApplied(DType dtype, String name) throws IOException {
        tensors.put("linear.weight", dtype.cast(Tensors.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2)));
        tensors.put(name, Tensors.of(new float[] {0.5f}, name.endsWith("scale_weight") ? new long[] {1} : new long[0]));
        tensors.put("linear.input_scale", Tensors.of(new float[] {3}));
        tensors.put("scaled_fp8", Tensors.empty(dtype, Device.CPU, 0));
        tensors.put("linear.comfy_quant", bytes("{\"format\": \"float8_e4m3fn\"}"));
        SafetensorsFile source = write();
        FLOAT32.load(net, source);
        assertThat(product()).containsExactly(rowSums(tensors.get("linear.weight"), 0.5f, 0.5f, 0.5f));
        assertThat(net.linear.weight().dtype()).isEqualTo(dtype);
        assertThat(net.linear.weight().quantization()).contains("float8");
        assertThat(net.linear.weight().get().data_ptr().address())
                .isEqualTo(source.segment("linear.weight").address());
    }

    private static float[] rowSums(Tensor weight, float... scales) {
        float[] values = Tensors.toFloats(weight);
        float[] sums = new float[scales.length];
        for (int i = 0; i < values.length; i++) {
            sums[i / 2] += values[i] * scales[i / 2];
        }
        return sums;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void eachRowHasItsScale(boolean offloaded) throws IOException {
        putWeight(DType.FLOAT8_E4M3FN);
        tensors.put("linear.weight_scale", Tensors.of(new float[] {1, 2, -4}, 3, 1));
        FLOAT32.open(net, write(), Set.of(), offloaded);
        assertThat(net.linear.weight().dtype()).isEqualTo(DType.FLOAT8_E4M3FN);
        assertThat(product()).containsExactly(3, 14, -44);
        assertThat(product()).containsExactly(3, 14, -44);
    }

    @Test
    void aScaleBesideAWeightThatIsNotInFloat8IsUnexpected() throws IOException {
        putWeight(DType.FLOAT32);
        tensors.put("linear.weight_scale", Tensors.of(new float[] {2}, 1));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("1 unexpected (linear.weight_scale)");
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 4})
    void scalesOfOtherShapesAreRefused(long count) throws IOException {
        putWeight(DType.FLOAT8_E4M3FN);
        tensors.put("linear.weight_scale", Tensors.zeros(DType.FLOAT32, Device.CPU, count));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining(
                        "'linear.weight_scale': is F32 [%s], expected a float32 number or one for each row"
                                .formatted(count));
    }

    @Test
    void twoScalesOfOneWeightAreRefused() throws IOException {
        putWeight(DType.FLOAT8_E4M3FN);
        tensors.put("linear.weight_scale", Tensors.of(new float[] {2}, 1));
        tensors.put("linear.scale_weight", Tensors.of(new float[] {3}, 1));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageEndingWith("'linear.scale_weight': is a second scale of the same weight, beside"
                        + " 'linear.weight_scale'; keep one of them");
    }

    @Test
    void aDescriptionThatIsNoShortTextIsRefused() throws IOException {
        putWeight(DType.FLOAT8_E4M3FN);
        tensors.put("linear.comfy_quant", Tensors.zeros(DType.UINT8, Device.CPU, (64 << 10) + 1));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("'linear.comfy_quant': has 65537 bytes, expected JSON of at most 65536");
    }

    private static final class NormNet extends Module {
        private final RmsNorm norm = module("norm", new RmsNorm(3, 1e-6));
    }

    @Test
    void aScaledVectorKeepsItsShape() throws IOException {
        tensors.put("norm.weight", DType.FLOAT8_E4M3FN.cast(Tensors.of(new float[] {1, 2, 3}, 3)));
        tensors.put("norm.weight_scale", Tensors.of(new float[] {0.5f}, 1));
        try (NormNet scaled = new NormNet()) {
            FLOAT32.load(scaled, write());
            Tensor y = scaled.norm.forward(Tensors.of(new float[] {1, 1, 1}, 3));
            TensorAssert.assertClose("y", y, Tensors.of(new float[] {0.5f, 1, 1.5f}, 3), 1e-5);
            assertThat(Tensors.shape(y)).containsExactly(3);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "linear.comfy_quant, nvfp4",
        "linear.comfy_quant, mxfp8",
        "linear.comfy_quant, int8_tensorwise",
        "linear.weight_scale_2, nvfp4",
        "linear.weight.absmax, bitsandbytes",
        "linear.svd_up, SDNQ"
    })
    void otherQuantizationsAreRefusedByName(String name, String format) throws IOException {
        putWeight(DType.FLOAT8_E4M3FN);
        tensors.put(name, bytes("{\"format\": \"%s\"}".formatted(format)));
        SafetensorsFile source = write();
        assertThatThrownBy(() -> FLOAT32.load(net, source))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageEndingWith(
                        "'%s': the weight is quantized as %s, which is not supported; use a file in bfloat16, float8 or GGUF"
                                .formatted(name, format));
    }

    private static Tensor bytes(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return Tensors.ofBytes(utf8, utf8.length);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void blocksRestInTheMappedFile(boolean offloaded) {
        GgufFile source = GgufFile.open(TestFiles.golden("formats/text_encoder/Q8_0.gguf"));
        try (GgufNet blocks = new GgufNet()) {
            Tensor weight = TensorFiles.widened(source, "blk.3.ffn_down.weight", BlockType.Q8_0);
            Tensor table = TensorFiles.widened(source, "token_embd.weight", BlockType.Q8_0);
            Set<String> others = new HashSet<>(source.entries().keySet());
            others.removeAll(blocks.state().keySet());
            FLOAT32.open(blocks, source, others, offloaded);
            Tensor x = Tensors.full(0.25, DType.FLOAT32, Device.CPU, 3, 128);
            Tensor ids = Tensors.of(new long[] {7, 1279}, 1, 2);
            for (int pass = 0; pass < 2; pass++) {
                TensorAssert.assertClose("y", blocks.down.forward(x), x.matmul(weight.t()), 1e-6);
                Tensor rows = blocks.table.forward(ids, DType.FLOAT32);
                TensorAssert.assertSame("rows", rows.squeeze(0), table.index_select(0, ids.squeeze(0)));
            }
            Parameter parameter = blocks.down.weight();
            assertThat(parameter.shape()).containsExactly(64, 128);
            assertThat(parameter.quantization()).contains("Q8_0");
            TensorAssert.assertSame("in", parameter.in(DType.FLOAT32), weight);
            if (!offloaded) {
                assertThat(parameter.get().data_ptr().address())
                        .isEqualTo(source.segment("blk.3.ffn_down.weight").address());
            }
            assertThatThrownBy(() -> blocks.trainOnly(Set.of("blk.3.ffn_down")))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessage("'parts': a weight in Q8_0 cannot be trained");
            Lora lora = new Lora(Map.of(
                    "blk.3.ffn_down",
                    new LoraPair(
                            Tensors.zeros(DType.FLOAT32, Device.CPU, 1, 128),
                            Tensors.zeros(DType.FLOAT32, Device.CPU, 64, 1))));
            if (!offloaded) {
                assertThatThrownBy(() -> lora.fuse(blocks, 1))
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageStartingWith("'lora': 'blk.3.ffn_down' rests in Q8_0");
            }
        }
    }

    private static final class OddNet extends Module {
        private final Linear linear = module("linear", new Linear(48, 4, false));
    }

    /// Six blocks that hold four rows of 48, as ComfyUI-GGUF writes them.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void rowsThatAreNotWholeBlocksAreWidened(boolean offloaded) throws IOException {
        byte[] blocks = new byte[6 * 34];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = i % 34 == 0 ? 0 : i % 34 == 1 ? (byte) 0x3c : (byte) (i % 34 - 2 + 7 * (i / 34)); // scale 1
        }
        Path file = folder.resolve("odd.gguf");
        List<GgufValue> shape = List.of(new GgufValue.Numeric(4L), new GgufValue.Numeric(48L));
        GgufWriter.write(
                file,
                List.of(new GgufWriter.Tensor("linear.weight", BlockType.Q8_0, List.of(6L, 32L))),
                (_, sink) -> sink.accept(MemorySegment.ofArray(blocks)),
                Map.of("comfy.gguf.orig_shape.linear.weight", new GgufValue.Sequence(shape)));
        float[] expected = new float[4];
        for (int i = 0; i < 4 * 48; i++) {
            expected[i / 48] += i % 32 + 7 * (i / 32);
        }
        try (OddNet odd = new OddNet()) {
            FLOAT32.open(odd, GgufFile.open(file), Set.of(), offloaded);
            Tensor x = Tensors.full(1, DType.FLOAT32, Device.CPU, 48);
            assertThat(Tensors.toFloats(odd.linear.forward(x))).containsExactly(expected);
            assertThat(odd.linear.weight().quantization()).isEmpty();
        }
    }
}
