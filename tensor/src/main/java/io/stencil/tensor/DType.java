package io.stencil.tensor;

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

    public static DType of(Tensor tensor) {
        ScalarType type = tensor.scalar_type().intern();
        for (DType dtype : values()) {
            if (dtype.scalarType == type) {
                return dtype;
            }
        }
        throw new IllegalArgumentException("a tensor of type " + type + " has no place here");
    }

    /// The tensor in this dtype: itself when it has it already.
    public Tensor cast(Tensor tensor) {
        return tensor.to(scalarType);
    }

    ScalarType scalarType() {
        return scalarType;
    }
}
