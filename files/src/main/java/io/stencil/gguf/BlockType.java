package io.stencil.gguf;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.StoredType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Formats of quantized values in blocks; a constant's name is llama.cpp's.
///
/// Blocks run along the rows of a matrix. Each has a scale of its own; those of 256 elements have scales of their parts
/// too.
public enum BlockType implements StoredType {
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    IQ4_NL(20, 32, 18),
    IQ4_XS(23, 256, 136);

    /// Elements that are decoded at once: 64 KB of float32, which stay in a core's cache.
    private static final int ELEMENTS_AT_ONCE = 16 << 10;

    /// Types of elements that lie by themselves, by their number in a file.
    private static final Map<Long, SafetensorsDtype> PLAIN = Map.of(
            0L, SafetensorsDtype.F32,
            1L, SafetensorsDtype.F16,
            24L, SafetensorsDtype.I8,
            25L, SafetensorsDtype.I16,
            26L, SafetensorsDtype.I32,
            27L, SafetensorsDtype.I64,
            28L, SafetensorsDtype.F64,
            30L, SafetensorsDtype.BF16);

    /// Names of types that are known and not read, by their number in a file.
    private static final Map<Long, String> OTHERS = Map.ofEntries(
            Map.entry(9L, "Q8_1"),
            Map.entry(15L, "Q8_K"),
            Map.entry(16L, "IQ2_XXS"),
            Map.entry(17L, "IQ2_XS"),
            Map.entry(18L, "IQ3_XXS"),
            Map.entry(19L, "IQ1_S"),
            Map.entry(21L, "IQ3_S"),
            Map.entry(22L, "IQ2_S"),
            Map.entry(29L, "IQ1_M"),
            Map.entry(34L, "TQ1_0"),
            Map.entry(35L, "TQ2_0"),
            Map.entry(39L, "MXFP4"),
            Map.entry(40L, "NVFP4"));

    private final int number;
    private final int elements;
    private final int bytes;

    BlockType(int number, int elements, int bytes) {
        this.number = number;
        this.elements = elements;
        this.bytes = bytes;
    }

    /// Finds the type that a file writes as `number`; empty when it cannot be read.
    static Optional<StoredType> stored(long number) {
        StoredType plain = PLAIN.get(number);
        return plain != null
                ? Optional.of(plain)
                : Stream.of(values())
                        .filter(type -> type.number == number)
                        .<StoredType>map(type -> type)
                        .findFirst();
    }

    /// Returns the number of a type in a file.
    ///
    /// @throws InvalidRequestException when the format has no such type
    static long number(StoredType type) {
        if (type instanceof BlockType blocks) {
            return blocks.number;
        }
        return PLAIN.entrySet().stream()
                .filter(plain -> plain.getValue() == type)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow(() -> new InvalidRequestException("type", "GGUF has no type " + type));
    }

    /// Whether a GGUF file can hold tensors of a type.
    public static boolean isInGguf(StoredType type) {
        return type instanceof BlockType || PLAIN.containsValue(type);
    }

    /// Returns the message for a type that [#stored] does not find.
    static String unsupported(long number) {
        String name = OTHERS.get(number);
        return "is of type %s, which is not supported; use a file with %s"
                .formatted(
                        name == null ? "number " + number : name,
                        Stream.concat(
                                        Stream.of("F32", "F16", "BF16"),
                                        Arrays.stream(values()).map(Enum::name))
                                .collect(Collectors.joining(", ")));
    }

    @Override
    public String formatName() {
        return name();
    }

    /// Returns the elements of a block.
    public int elements() {
        return elements;
    }

    /// Returns the bytes of a block.
    public int bytes() {
        return bytes;
    }

    @Override
    public long byteSize(List<Long> shape) {
        long columns = shape.isEmpty() ? 1 : shape.getLast();
        if (columns % elements != 0) {
            throw new InvalidRequestException(
                    "shape",
                    "%s of %s does not have rows of whole blocks of %s elements".formatted(shape, this, elements));
        }
        try {
            long count = 1;
            for (long dimension : shape) {
                count = Math.multiplyExact(count, dimension);
            }
            return Math.multiplyExact(count / elements, (long) bytes);
        } catch (ArithmeticException overflow) {
            throw new InvalidRequestException(
                    Location.ofField("shape"),
                    "%s of %s is larger than any file can be".formatted(shape, this),
                    overflow);
        }
    }

    /// Widens blocks to float32, exactly as the reference implementation computes their values in float32.
    ///
    /// @param blocks whole blocks
    /// @param values room for their elements in float32
    public void widen(MemorySegment blocks, MemorySegment values) {
        int atOnce = ELEMENTS_AT_ONCE / elements;
        byte[] quantized = new byte[atOnce * bytes];
        float[] wide = new float[ELEMENTS_AT_ONCE];
        long count = blocks.byteSize() / bytes;
        for (long block = 0; block < count; block += atOnce) {
            int some = (int) Math.min(atOnce, count - block);
            MemorySegment.copy(blocks, ValueLayout.JAVA_BYTE, block * bytes, quantized, 0, some * bytes);
            for (int i = 0; i < some; i++) {
                decode(quantized, i * bytes, wide, i * elements);
            }
            MemorySegment.copy(
                    wide, 0, values, ValueLayout.JAVA_FLOAT_UNALIGNED, block * elements * Float.BYTES, some * elements);
        }
    }

    /// Whether [#narrow] has an arithmetic for this type.
    public boolean isWritable() {
        return this == Q8_0 || this == Q4_0 || this == Q5_1;
    }

    /// Quantizes float32 values as the reference implementation does.
    ///
    /// @param values finite, elements of whole blocks
    /// @param blocks room for the blocks
    /// @throws InvalidRequestException for a type that is not [writable][#isWritable], or a scale beyond float16
    public void narrow(MemorySegment values, MemorySegment blocks) {
        int atOnce = ELEMENTS_AT_ONCE / elements;
        float[] wide = new float[ELEMENTS_AT_ONCE];
        byte[] quantized = new byte[atOnce * bytes];
        long count = blocks.byteSize() / bytes;
        for (long block = 0; block < count; block += atOnce) {
            int some = (int) Math.min(atOnce, count - block);
            MemorySegment.copy(
                    values, ValueLayout.JAVA_FLOAT_UNALIGNED, block * elements * Float.BYTES, wide, 0, some * elements);
            for (int i = 0; i < some; i++) {
                encode(wide, i * elements, quantized, i * bytes);
            }
            MemorySegment.copy(quantized, 0, blocks, ValueLayout.JAVA_BYTE, block * bytes, some * bytes);
        }
    }

    private void encode(float[] values, int from, byte[] blocks, int at) {
        switch (this) {
            case Q8_0 -> BlockEncoder.q8Zero(values, from, blocks, at);
            case Q4_0 -> BlockEncoder.q4Zero(values, from, blocks, at);
            case Q5_1 -> BlockEncoder.q5One(values, from, blocks, at);
            default -> throw new InvalidRequestException("type", this + " is read only; write Q8_0, Q4_0 or Q5_1");
        }
    }

    private void decode(byte[] blocks, int at, float[] values, int to) {
        switch (this) {
            case Q4_0 -> BlockDecoder.q4Zero(blocks, at, values, to);
            case Q4_1 -> BlockDecoder.q4One(blocks, at, values, to);
            case Q5_0 -> BlockDecoder.q5Zero(blocks, at, values, to);
            case Q5_1 -> BlockDecoder.q5One(blocks, at, values, to);
            case Q8_0 -> BlockDecoder.q8Zero(blocks, at, values, to);
            case Q2_K -> BlockDecoder.q2K(blocks, at, values, to);
            case Q3_K -> BlockDecoder.q3K(blocks, at, values, to);
            case Q4_K -> BlockDecoder.q4K(blocks, at, values, to);
            case Q5_K -> BlockDecoder.q5K(blocks, at, values, to);
            case Q6_K -> BlockDecoder.q6K(blocks, at, values, to);
            case IQ4_NL -> BlockDecoder.iq4Nl(blocks, at, values, to);
            case IQ4_XS -> BlockDecoder.iq4Xs(blocks, at, values, to);
        }
    }
}
