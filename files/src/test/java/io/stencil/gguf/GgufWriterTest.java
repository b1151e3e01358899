package io.stencil.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidRequestException;
import io.stencil.gguf.GgufValue.Flag;
import io.stencil.gguf.GgufValue.Numeric;
import io.stencil.gguf.GgufValue.Sequence;
import io.stencil.gguf.GgufValue.Text;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.safetensors.TensorSource;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Written files, as they are read again, and quantized blocks that others wrote of the same values.
class GgufWriterTest {

    private static final Path ROOT = Path.of(System.getProperty("stencil.root"));
    private static final Path MODEL = ROOT.resolve("models/tiny-flux2");
    private static final Path GOLDEN = ROOT.resolve("testdata/golden/formats");

    @TempDir
    Path folder;

    @Test
    void a_written_file_is_read_again() throws IOException {
        Path file = folder.resolve("model.gguf");
        List<GgufWriter.Tensor> tensors = List.of(
                new GgufWriter.Tensor("scale", SafetensorsDtype.F32, List.of(3L)),
                new GgufWriter.Tensor("weight", BlockType.Q4_0, List.of(2L, 32L)),
                new GgufWriter.Tensor("none", SafetensorsDtype.BF16, List.of(0L, 4L)));
        Map<String, GgufValue> values = new LinkedHashMap<>();
        values.put("general.architecture", new Text("flux"));
        values.put("count", new Numeric(7L));
        values.put("large", new Numeric(new BigInteger("18446744073709551615")));
        values.put("negative", new Numeric(-1L));
        values.put("eps", new Numeric(1e-6f));
        values.put("precise", new Numeric(0.1));
        values.put("flag", new Flag(true));
        values.put("types", new Sequence(List.of(new Numeric(1L), new Numeric(-3L))));
        values.put("tokens", new Sequence(List.of(new Text("a"), new Text("\u00e9"))));
        GgufWriter.write(
                file,
                tensors,
                (tensor, sink) -> {
                    byte[] bytes = new byte[Math.toIntExact(tensor.type().byteSize(tensor.shape()))];
                    Arrays.fill(bytes, (byte) tensor.name().length());
                    sink.accept(MemorySegment.ofArray(bytes));
                },
                values);

        try (GgufFile read = GgufFile.open(file)) {
            assertThat(read.values()).containsExactlyEntriesOf(values);
            assertThat(read.entries().keySet()).containsExactlyInAnyOrder("scale", "weight", "none");
            assertThat(read.entry("weight").shape()).containsExactly(2L, 32L);
            assertThat(read.entry("weight").dtype()).isEqualTo(BlockType.Q4_0);
            assertThat(read.entry("weight").begin() % 32).isZero();
            assertThat(read.segment("weight").toArray(ValueLayout.JAVA_BYTE))
                    .hasSize(36)
                    .containsOnly(6);
            assertThat(read.segment("scale").toArray(ValueLayout.JAVA_BYTE))
                    .hasSize(12)
                    .containsOnly(5);
        }
        assertThat(Files.size(file) % 32).isZero();
    }

    @Test
    void a_fault_leaves_the_old_file() throws IOException {
        Path file = Files.writeString(folder.resolve("model.gguf"), "old");
        GgufWriter.Tensor tensor = new GgufWriter.Tensor("weight", BlockType.Q8_0, List.of(32L));
        assertThatThrownBy(() -> GgufWriter.write(
                        file, List.of(tensor), (_, sink) -> sink.accept(MemorySegment.ofArray(new byte[33])), Map.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("tensor 'weight' of Q8_0 [32] has 34 bytes, found 33");
        assertThatThrownBy(() -> GgufWriter.write(file, List.of(tensor, tensor), (_, _) -> {}, Map.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("two tensors are named 'weight'");
        GgufWriter.Tensor narrow = new GgufWriter.Tensor("weight", SafetensorsDtype.F8_E4M3, List.of(1L));
        assertThatThrownBy(() -> GgufWriter.write(file, List.of(narrow), (_, _) -> {}, Map.of()))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("GGUF has no type F8_E4M3");
        assertThat(Files.readString(file)).isEqualTo("old");
        try (var content = Files.list(folder)) {
            assertThat(content).containsExactly(file);
        }
    }

    @Test
    void blocks_are_those_of_the_reference() throws IOException {
        try (GgufFile golden = GgufFile.open(GOLDEN.resolve("text_encoder/Q8_0.gguf"))) {
            float[] values = values("text_encoder/model.safetensors", "model.embed_tokens.weight");
            assertSame(narrowed(BlockType.Q8_0, values), bytes(golden, "token_embd.weight"));
        }
        String transformer = "transformer/diffusion_pytorch_model.safetensors";
        try (GgufFile golden = GgufFile.open(GOLDEN.resolve("transformer/Q4_0.gguf"))) {
            float[] values = values(transformer, "single_transformer_blocks.0.attn.to_qkv_mlp_proj.weight");
            assertSame(narrowed(BlockType.Q4_0, values), bytes(golden, "single_blocks.0.linear1.weight"));
        }
        try (InputStream golden = Objects.requireNonNull(
                GgufWriterTest.class.getResourceAsStream("/gguf/double_blocks.0.img_attn.proj.Q5_1"))) {
            float[] values = values(transformer, "transformer_blocks.0.attn.to_out.0.weight");
            assertSame(narrowed(BlockType.Q5_1, values), golden.readAllBytes());
        }
    }

    private static void assertSame(byte[] blocks, byte[] golden) {
        assertThat(blocks).hasSameSizeAs(golden);
        assertThat(Arrays.mismatch(blocks, golden))
                .as("first byte that differs")
                .isEqualTo(-1);
    }

    @Test
    void extreme_blocks_keep_their_values() {
        float[] constant = new float[64];
        Arrays.fill(constant, 32, 64, 3f);
        for (BlockType type : List.of(BlockType.Q8_0, BlockType.Q4_0, BlockType.Q5_1)) {
            float[] wide = new float[64];
            type.widen(MemorySegment.ofArray(narrowed(type, constant)), MemorySegment.ofArray(wide));
            for (int i = 0; i < 64; i++) {
                assertThat(wide[i]).as(type + " " + i).isCloseTo(constant[i], within(1e-3f));
            }
            float[] huge = new float[32];
            huge[0] = 1e9f;
            assertThatThrownBy(() -> narrowed(type, huge))
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("is not in float16");
        }
        assertThatThrownBy(() -> narrowed(BlockType.Q4_K, new float[256]))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("write Q8_0, Q4_0 or Q5_1");
    }

    private static Offset<Float> within(float value) {
        return Offset.offset(value);
    }

    private static byte[] narrowed(BlockType type, float[] values) {
        byte[] blocks = new byte[values.length / type.elements() * type.bytes()];
        type.narrow(MemorySegment.ofArray(values), MemorySegment.ofArray(blocks));
        return blocks;
    }

    private static byte[] bytes(TensorSource file, String name) {
        return file.segment(name).toArray(ValueLayout.JAVA_BYTE);
    }

    /// Values of a bfloat16 tensor of the tiny model.
    private static float[] values(String file, String name) {
        try (SafetensorsFile model = SafetensorsFile.open(MODEL.resolve(file))) {
            short[] high = model.segment(name).toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
            float[] values = new float[high.length];
            for (int i = 0; i < high.length; i++) {
                values[i] = Float.intBitsToFloat(high[i] << 16);
            }
            return values;
        }
    }

    /// As the reference compares values: a zero is not less than one of the other sign.
    @Test
    void the_first_of_equal_zeros_is_the_minimum() {
        float[] values = new float[32];
        values[1] = -0.0f;
        values[2] = 31;
        byte[] block = new byte[BlockType.Q5_1.bytes()];
        BlockType.Q5_1.narrow(MemorySegment.ofArray(values), MemorySegment.ofArray(block));
        assertThat(Arrays.copyOf(block, 4)).containsExactly(0, 0x3c, 0, 0);
    }
}
