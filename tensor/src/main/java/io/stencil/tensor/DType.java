package io.stencil.tensor;

import io.stencil.error.InvalidRequestException;
import io.stencil.safetensors.SafetensorsDtype;
import io.stencil.safetensors.StoredType;
import java.util.Locale;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/// The element types that tensors have here.
public enum DType {
    FLOAT64(ScalarType.Double, 8),
    FLOAT32(ScalarType.Float, 4),
    BFLOAT16(ScalarType.BFloat16, 2),
    FLOAT16(ScalarType.Half, 2),
    FLOAT8_E4M3FN(ScalarType.Float8_e4m3fn, 1),
    FLOAT8_E5M2(ScalarType.Float8_e5m2, 1),
    FLOAT8_E8M0(ScalarType.Float8_e8m0fnu, 1),
    COMPLEX64(ScalarType.ComplexFloat, 8),
    INT64(ScalarType.Long, 8),
    INT32(ScalarType.Int, 4),
    INT16(ScalarType.Short, 2),
    INT8(ScalarType.Char, 1),
    UINT64(ScalarType.UInt64, 8),
    UINT32(ScalarType.UInt32, 4),
    UINT16(ScalarType.UInt16, 2),
    UINT8(ScalarType.Byte, 1),
    BOOL(ScalarType.Bool, 1);

    private final ScalarType scalarType;
    private final int bytes;

    DType(ScalarType scalarType, int bytes) {
        this.scalarType = scalarType;
        this.bytes = bytes;
    }

    /// As options and files write it, `bfloat16`.
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Bytes of one element.
    public int bytes() {
        return bytes;
    }

    public boolean isFloatingPoint() {
        return switch (this) {
            case FLOAT64, FLOAT32, BFLOAT16, FLOAT16, FLOAT8_E4M3FN, FLOAT8_E5M2, FLOAT8_E8M0 -> true;
            case COMPLEX64, INT64, INT32, INT16, INT8, UINT64, UINT32, UINT16, UINT8, BOOL -> false;
        };
    }

    /// Whether it is one of the dtypes of eight-bit floating-point numbers.
    public boolean isFloat8() {
        return isFloatingPoint() && bytes == 1;
    }

    public static DType of(Tensor tensor) {
        ScalarType type = tensor.scalar_type().intern();
        for (DType dtype : values()) {
            if (dtype.scalarType == type) {
                return dtype;
            }
        }
        throw new InvalidRequestException("dtype", "a tensor of type " + type + " has no place here");
    }

    /// The dtype of a tensor in a file, or empty for the packed 4- and 6-bit types and for blocks of quantized values,
    /// which libtorch does not have.
    public static Optional<DType> of(StoredType type) {
        if (!(type instanceof SafetensorsDtype dtype)) {
            return Optional.empty();
        }
        return Optional.ofNullable(
                switch (dtype) {
                    case F64 -> FLOAT64;
                    case F32 -> FLOAT32;
                    case BF16 -> BFLOAT16;
                    case F16 -> FLOAT16;
                    case F8_E4M3 -> FLOAT8_E4M3FN;
                    case F8_E5M2 -> FLOAT8_E5M2;
                    case F8_E8M0 -> FLOAT8_E8M0;
                    case C64 -> COMPLEX64;
                    case I64 -> INT64;
                    case I32 -> INT32;
                    case I16 -> INT16;
                    case I8 -> INT8;
                    case U64 -> UINT64;
                    case U32 -> UINT32;
                    case U16 -> UINT16;
                    case U8 -> UINT8;
                    case BOOL -> BOOL;
                    case F4, F6_E2M3, F6_E3M2 -> null;
                });
    }

    /// What a safetensors file calls this dtype.
    public SafetensorsDtype fileDtype() {
        return switch (this) {
            case FLOAT64 -> SafetensorsDtype.F64;
            case FLOAT32 -> SafetensorsDtype.F32;
            case BFLOAT16 -> SafetensorsDtype.BF16;
            case FLOAT16 -> SafetensorsDtype.F16;
            case FLOAT8_E4M3FN -> SafetensorsDtype.F8_E4M3;
            case FLOAT8_E5M2 -> SafetensorsDtype.F8_E5M2;
            case FLOAT8_E8M0 -> SafetensorsDtype.F8_E8M0;
            case COMPLEX64 -> SafetensorsDtype.C64;
            case INT64 -> SafetensorsDtype.I64;
            case INT32 -> SafetensorsDtype.I32;
            case INT16 -> SafetensorsDtype.I16;
            case INT8 -> SafetensorsDtype.I8;
            case UINT64 -> SafetensorsDtype.U64;
            case UINT32 -> SafetensorsDtype.U32;
            case UINT16 -> SafetensorsDtype.U16;
            case UINT8 -> SafetensorsDtype.U8;
            case BOOL -> SafetensorsDtype.BOOL;
        };
    }

    /// The tensor in this dtype: itself when it has it already.
    public Tensor cast(Tensor tensor) {
        return tensor.to(scalarType);
    }

    ScalarType scalarType() {
        return scalarType;
    }
}
