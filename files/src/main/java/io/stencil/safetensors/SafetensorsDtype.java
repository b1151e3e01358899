package io.stencil.safetensors;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Element types of the format; a constant's name is the name in the file.
///
/// The constants stand in the order of the reference library, which writes tensors of later constants first, so that
/// wide elements come to lie on aligned offsets.
public enum SafetensorsDtype implements StoredType {
    /// One byte, 0 or 1.
    BOOL(8),
    /// 4-bit float of the OCP microscaling formats, two in a byte.
    F4(4),
    /// 6-bit float, 2 bits of exponent, packed.
    F6_E2M3(6),
    /// 6-bit float, 3 bits of exponent, packed.
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    /// 8 bits of exponent alone: a scale.
    F8_E8M0(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    /// Complex: two 32-bit floats.
    C64(64),
    F64(64),
    I64(64),
    U64(64);

    private static final Map<String, SafetensorsDtype> BY_NAME = Stream.of(values())
            .collect(Collectors.toUnmodifiableMap(SafetensorsDtype::formatName, Function.identity()));

    private final int bits;

    SafetensorsDtype(int bits) {
        this.bits = bits;
    }

    /// Finds the dtype that a file calls `formatName` (case matters); empty when the format has none of that name.
    public static Optional<SafetensorsDtype> of(String formatName) {
        return Optional.ofNullable(BY_NAME.get(formatName));
    }

    @Override
    public String formatName() {
        return name();
    }

    /// Returns the bits of one element: 4, 6, or a multiple of 8.
    public int bits() {
        return bits;
    }

    @Override
    public long byteSize(List<Long> shape) {
        long size;
        try {
            size = elementCount(shape);
            size = Math.multiplyExact(size, (long) bits);
        } catch (ArithmeticException overflow) {
            throw new InvalidRequestException(
                    Location.ofField("shape"),
                    "%s of %s is larger than any file can be".formatted(shape, this),
                    overflow);
        }
        if (size % Byte.SIZE != 0) {
            throw new InvalidRequestException(
                    "shape",
                    "%s of %s takes %s bits, which is not a whole number of bytes".formatted(shape, this, size));
        }
        return size / Byte.SIZE;
    }

    static long elementCount(List<Long> shape) {
        long count = 1;
        for (long dimension : shape) {
            count = Math.multiplyExact(count, dimension);
        }
        return count;
    }
}
