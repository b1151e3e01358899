package io.stencil.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.safetensors.SafetensorsFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Blocks and their values, to the last bit.
class BlockTypeTest {

    private static final Path GOLDEN =
            Path.of(System.getProperty("stencil.root"), "testdata/golden/formats/kquants.safetensors");

    @ParameterizedTest
    @EnumSource(
            value = BlockType.class,
            names = {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
    void values_are_those_of_the_reference(BlockType type) {
        try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN)) {
            float[] expected = golden.segment(type + ".values").toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            MemorySegment blocks = golden.segment(type + ".bytes");
            assertThat(type.byteSize(golden.entry(type + ".values").shape())).isEqualTo(blocks.byteSize());
            assertThat(widened(type, blocks, expected.length)).isEqualTo(expected);
        }
    }

    /// More blocks than are decoded at once, the golden ones again and again.
    @Test
    void every_part_of_a_long_row_is_widened() {
        try (SafetensorsFile golden = SafetensorsFile.open(GOLDEN)) {
            byte[] bytes = golden.segment("Q4_K.bytes").toArray(ValueLayout.JAVA_BYTE);
            float[] values = golden.segment("Q4_K.values").toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            int times = 21;
            MemorySegment blocks = MemorySegment.ofArray(new byte[times * bytes.length]);
            for (int i = 0; i < times; i++) {
                MemorySegment.copy(bytes, 0, blocks, ValueLayout.JAVA_BYTE, (long) i * bytes.length, bytes.length);
            }
            float[] all = widened(BlockType.Q4_K, blocks, times * values.length);
            for (int i = 0; i < all.length; i++) {
                assertThat(all[i]).isEqualTo(values[i % values.length]);
            }
        }
    }

    @Test
    void the_older_types_are_scale_times_value_plus_minimum() {
        byte[] bytes = new byte[34];
        new Random(5).nextBytes(bytes);
        half(bytes, 0, 0.37f);
        half(bytes, 2, -1.7f);
        float d = Float.float16ToFloat(Float.floatToFloat16(0.37f));
        float m = Float.float16ToFloat(Float.floatToFloat16(-1.7f));
        check(BlockType.Q8_0, bytes, i -> bytes[2 + i] * d);
        check(BlockType.Q4_0, bytes, i -> (nibble(bytes, 2, i) - 8) * d);
        check(BlockType.Q4_1, bytes, i -> nibble(bytes, 4, i) * d + m);
        check(BlockType.Q5_0, bytes, i -> (nibble(bytes, 6, i) + 16 * bit(bytes, 2, i) - 16) * d);
        check(BlockType.Q5_1, bytes, i -> (nibble(bytes, 8, i) + 16 * bit(bytes, 4, i)) * d + m);
    }

    private static int nibble(byte[] bytes, int from, int i) {
        int value = Byte.toUnsignedInt(bytes[from + i % 16]);
        return i < 16 ? value % 16 : value / 16;
    }

    private static int bit(byte[] bytes, int from, int i) {
        return Byte.toUnsignedInt(bytes[from + i / 8]) / (1 << i % 8) % 2;
    }

    private static void half(byte[] bytes, int at, float value) {
        MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
    }

    private static void check(BlockType type, byte[] bytes, IntToDoubleFunction expected) {
        float[] values = widened(type, MemorySegment.ofArray(bytes).asSlice(0, type.bytes()), 32);
        for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).as("%s, value %s", type, i).isEqualTo((float) expected.applyAsDouble(i));
        }
    }

    private static float[] widened(BlockType type, MemorySegment blocks, int count) {
        float[] values = new float[count];
        type.widen(blocks, MemorySegment.ofArray(values));
        return values;
    }
}
