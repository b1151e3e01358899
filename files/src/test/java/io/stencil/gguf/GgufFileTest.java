package io.stencil.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidStateException;
import io.stencil.gguf.GgufValue.Flag;
import io.stencil.gguf.GgufValue.Numeric;
import io.stencil.gguf.GgufValue.Sequence;
import io.stencil.gguf.GgufValue.Text;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.TensorEntry;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files of the format, sound, broken by hand and damaged at random.
class GgufFileTest {

    private static final int MUTATIONS = 10_000;

    private static final int DATA_BYTES = 128;

    /// Two tensors behind values of every type.
    private static final byte[] SOUND = sound(3);

    @TempDir
    Path folder;

    private static byte[] sound(int version) {
        GgufBytes file = GgufBytes.header(version, 2, 14);
        file.text("general.architecture").u32(8).text("flux");
        file.text("u8").u32(0).raw((byte) 200).text("i8").u32(1).raw((byte) -3);
        file.text("u16").u32(2).raw((byte) 0, (byte) 255).text("i16").u32(3).raw((byte) 0, (byte) 255);
        file.text("u32").u32(4).u32(-1).text("i32").u32(5).u32(-1);
        file.text("f32")
                .u32(6)
                .u32(Float.floatToIntBits(0.5f))
                .text("flag")
                .u32(7)
                .raw((byte) 1);
        file.text("u64").u32(10).u64(-1).text("i64").u32(11).u64(-1);
        file.text("f64").u32(12).u64(Double.doubleToLongBits(0.25));
        file.text("sizes").u32(9).u32(4).u64(2).u32(7).u32(8);
        file.text("nested").u32(9).u32(9).u64(1).u32(8).u64(1).text("é");
        file.tensor("blocks.weight", 8, 0, 32, 2).tensor("norm.scale", 0, 96, 4);
        file.padTo(32);
        byte[] data = new byte[DATA_BYTES];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) i;
        }
        return file.raw(data).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void tensors_and_metadata_are_read(int version) throws IOException {
        byte[] bytes = sound(version);
        int data = bytes.length - DATA_BYTES;
        try (GgufFile file = GgufFile.open(write(bytes))) {
            assertThat(file.entries().values())
                    .containsExactly(
                            new TensorEntry("blocks.weight", BlockType.Q8_0, List.of(2L, 32L), data, data + 68),
                            new TensorEntry("norm.scale", SafetensorsDtype.F32, List.of(4L), data + 96, data + 112));
            assertThat(file.segment("norm.scale").toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(Arrays.copyOfRange(bytes, data + 96, data + 112));
            assertThat(file.values())
                    .containsExactlyInAnyOrderEntriesOf(Map.ofEntries(
                            Map.entry("general.architecture", new Text("flux")),
                            Map.entry("u8", new Numeric(200L)),
                            Map.entry("i8", new Numeric(-3L)),
                            Map.entry("u16", new Numeric(0xff00L)),
                            Map.entry("i16", new Numeric(-256L)),
                            Map.entry("u32", new Numeric(0xffffffffL)),
                            Map.entry("i32", new Numeric(-1L)),
                            Map.entry("f32", new Numeric(0.5f)),
                            Map.entry("flag", new Flag(true)),
                            Map.entry("u64", new Numeric(BigInteger.TWO.pow(64).subtract(BigInteger.ONE))),
                            Map.entry("i64", new Numeric(-1L)),
                            Map.entry("f64", new Numeric(0.25)),
                            Map.entry("sizes", new Sequence(List.of(new Numeric(7L), new Numeric(8L)))),
                            Map.entry("nested", new Sequence(List.of(new Sequence(List.of(new Text("é"))))))));
            assertThat(file.metadata()).containsEntry("sizes", "[7, 8]").containsEntry("flag", "true");
        }
    }

    @Test
    void a_closed_file_hands_out_no_tensor() throws IOException {
        GgufFile file = GgufFile.open(write(SOUND));
        file.close();
        assertThatThrownBy(() -> file.segment("norm.scale"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("is closed; tensor 'norm.scale' can no longer be read");
    }

    @Test
    void a_shape_that_was_changed_for_whole_blocks_is_restored() throws IOException {
        GgufBytes file = GgufBytes.header(3, 1, 1);
        file.text("comfy.gguf.orig_shape.conv")
                .u32(9)
                .u32(5)
                .u64(3)
                .u32(2)
                .u32(16)
                .u32(1);
        file.tensor("conv", 8, 0, 32);
        try (GgufFile read =
                GgufFile.open(write(file.padTo(32).raw(new byte[34]).toArray()))) {
            assertThat(read.entry("conv").shape()).containsExactly(2L, 16L, 1L);
            assertThat(read.segment("conv").byteSize()).isEqualTo(34);
        }
    }

    @Test
    void the_alignment_of_the_metadata_places_the_tensors() throws IOException {
        GgufBytes file =
                GgufBytes.header(3, 1, 1).text("general.alignment").u32(4).u32(64);
        file.tensor("x", 0, 64, 1).padTo(64);
        int data = file.size();
        try (GgufFile read = GgufFile.open(write(file.raw(new byte[68]).toArray()))) {
            assertThat(read.entry("x").begin()).isEqualTo(data + 64);
        }
    }

    @Test
    void each_broken_rule_is_named() throws IOException {
        refused(new byte[] {'G', 'G', 'M', 'L', 0}, "expected a GGUF file, which begins with the letters GGUF");
        refused(
                GgufBytes.header(1, 0, 0).toArray(),
                "GGUF version must be 2 or 3, found 1; convert the model again with a current llama.cpp");
        refused(GgufBytes.header(0x03000000, 0, 0).toArray(), "is a big-endian GGUF file; expected little-endian");
        refused(GgufBytes.header(3, -1, 0).toArray(), "the number of tensors must be at most 100000");
        refused(GgufBytes.header(3, 0, 1L << 40).toArray(), "the number of metadata keys must be at most 100000");
        refused(
                GgufBytes.header(3, 0, 1).u64(1L << 50).toArray(),
                "metadata key: a string must have at most 65535 bytes, found 1125899906842624");
        refused(
                GgufBytes.header(3, 0, 1).text("k").u32(9).u32(0).u64(1L << 50).toArray(),
                "'k': an array has 1125899906842624 elements");
        refused(GgufBytes.header(3, 0, 1).text("k").u32(13).toArray(), "'k': the type of a metadata value must be");
        refused(GgufBytes.header(3, 0, 1).text("k").u32(7).raw((byte) 2).toArray(), "'k': a flag must be 0 or 1");
        refused(
                GgufBytes.header(3, 0, 2)
                        .text("k")
                        .u32(4)
                        .u32(1)
                        .text("k")
                        .u32(4)
                        .u32(1)
                        .toArray(),
                "'k': this metadata key occurs twice");
        refused(
                GgufBytes.header(3, 0, 1)
                        .text("general.alignment")
                        .u32(4)
                        .u32(24)
                        .toArray(),
                "'general.alignment': must be a power of two from 1 to 1073741824, found 24");
        refused(tensors(file -> file.tensor("x", 16, 0, 256)), "'x': is of type IQ2_XXS, which is not supported; use");
        refused(tensors(file -> file.tensor("x", 99, 0, 256)), "'x': is of type number 99, which is not supported");
        refused(
                tensors(file -> file.tensor("x", 12, 0, 128, 2)),
                "'x': shape [2, 128] of Q4_K does not have rows of whole blocks of 256 elements");
        refused(tensors(file -> file.tensor("x", 0, 0, 1, 1, 1, 1, 1)), "'x': has 5 dimensions, expected at most 4");
        refused(tensors(file -> file.tensor("x", 0, 0, -1)), "'x': dimension 0 is 18446744073709551615");
        refused(
                tensors(file -> file.tensor("x", 0, 0, 1L << 40, 1L << 40)),
                "'x': shape [1099511627776, 1099511627776] of F32 is larger than any file can be");
        refused(tensors(file -> file.tensor("x", 0, 8, 1)), "'x': offset 8 is no multiple of the alignment 32");
        refused(
                tensors(file -> file.tensor("x", 0, 64, 1)),
                "'x': 4 bytes at offset 64 reach beyond the file, which has 64 bytes of tensors; it is cut short");
        refused(tensors(file -> file.tensor("x", 0, -32, 1)), "'x': 4 bytes at offset 18446744073709551584 reach");
        refused(
                tensors(file -> file.tensor("x", 0, 0, 9).tensor("y", 0, 32, 1), 2),
                "'y': its bytes, from byte 128 on, overlap another tensor's, which end at byte 132");
        refused(
                tensors(file -> file.tensor("x", 0, 0, 1).tensor("x", 0, 32, 1), 2),
                "'x': this tensor is in the file twice");
    }

    @Test
    void a_shape_that_does_not_match_is_refused() throws IOException {
        GgufBytes file = GgufBytes.header(3, 1, 1);
        file.text("comfy.gguf.orig_shape.x").u32(9).u32(5).u64(1).u32(3);
        refused(
                file.tensor("x", 0, 0, 4).padTo(32).raw(new byte[16]).toArray(),
                "must be an array of dimensions with the elements of shape [4], found [3]");
    }

    @Test
    void a_shape_of_too_many_dimensions_is_refused() throws IOException {
        GgufBytes file = GgufBytes.header(3, 1, 1);
        file.text("comfy.gguf.orig_shape.x").u32(9).u32(5).u64(6);
        file.u32(4).u32(1).u32(1).u32(1).u32(1).u32(1);
        refused(
                file.tensor("x", 0, 0, 4).padTo(32).raw(new byte[16]).toArray(),
                "must be an array of dimensions with the elements of shape [4], found [4, 1, 1, 1, 1, 1]");
    }

    /// The padding that would follow the header is not there.
    @Test
    void tensors_without_elements_need_no_bytes() throws IOException {
        byte[] bytes = GgufBytes.header(3, 1, 0)
                .tensor("none", 8, 0, 32, 0)
                .raw((byte) 0)
                .toArray();
        assertThat(bytes.length % 32).isNotZero();
        assertThat(opens(write(bytes), bytes)).isTrue();
        try (GgufFile file = GgufFile.open(write(bytes))) {
            assertThat(file.entry("none").shape()).containsExactly(0L, 32L);
            assertThat(file.segment("none").byteSize()).isZero();
        }
    }

    /// Writes records of one tensor or two, and 64 bytes behind them.
    private static byte[] tensors(UnaryOperator<GgufBytes> records, int... count) {
        GgufBytes header = GgufBytes.header(3, count.length == 0 ? 1 : count[0], 0);
        return records.apply(header).padTo(32).raw(new byte[64]).toArray();
    }

    private void refused(byte[] bytes, String message) throws IOException {
        Path file = write(bytes);
        assertThatThrownBy(() -> GgufFile.open(file).close())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }

    @Test
    void every_shorter_length_is_refused_or_holds_all_tensors() throws IOException {
        Path file = folder.resolve("cut.gguf");
        int lastByte = SOUND.length - DATA_BYTES + 112; // what follows is padding
        for (int length = 0; length < SOUND.length; length++) {
            byte[] cut = Arrays.copyOf(SOUND, length);
            Files.write(file, cut);
            assertThat(opens(file, cut)).as("cut to %s bytes", length).isEqualTo(length >= lastByte);
        }
    }

    @Test
    void random_damage_is_refused_or_harmless() throws IOException {
        Random random = new Random(20_250_925);
        Path file = folder.resolve("mutated.gguf");
        int opened = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes = SOUND.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                bytes = mutate(bytes, random);
            }
            Files.write(file, bytes);
            opened += opens(file, bytes) ? 1 : 0;
        }
        // Both ends are reached: changes of names, values and data are harmless, most others are not.
        assertThat(opened).isBetween(MUTATIONS / 100, MUTATIONS / 2);
    }

    private static boolean opens(Path path, byte[] bytes) {
        try (GgufFile file = GgufFile.open(path)) {
            for (TensorEntry entry : file.entries().values()) {
                assertThat(entry.begin()).isBetween(0L, (long) bytes.length);
                assertThat(entry.end()).isBetween(entry.begin(), (long) bytes.length);
                assertThat(file.segment(entry.name()).toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(Arrays.copyOfRange(bytes, (int) entry.begin(), (int) entry.end()));
            }
            assertThat(file.metadata()).hasSameSizeAs(file.values());
            return true;
        } catch (InvalidFileException refused) {
            assertThat(refused).hasMessageStartingWith(path.toString());
            assertThat(refused.getMessage()).doesNotContain("\n");
            return false;
        }
    }

    /// Changes a bit or a byte, puts an extreme number anywhere, or removes or repeats bytes.
    private static byte[] mutate(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length - DATA_BYTES / 2 - 8);
        byte[] result = bytes.clone();
        switch (random.nextInt(5)) {
            case 0 -> result[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> result[at] = (byte) random.nextInt(256);
            case 2 -> Arrays.fill(result, at, at + 1 + random.nextInt(8), (byte) -1);
            case 3 -> {
                int removed = 1 + random.nextInt(8);
                System.arraycopy(bytes, at + removed, result, at, bytes.length - at - removed);
                return Arrays.copyOf(result, bytes.length - removed);
            }
            default -> {
                int more = 1 + random.nextInt(8);
                result = Arrays.copyOf(bytes, bytes.length + more);
                System.arraycopy(bytes, at, result, at + more, bytes.length - at);
            }
        }
        return result;
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("file.gguf"), bytes);
    }
}
