package io.stencil.bench;

import io.stencil.tensor.DType;

/// Which dtype weights rest in, and which one is computed in.
public enum Precision {
    FLOAT32(DType.FLOAT32, DType.FLOAT32),
    BFLOAT16(DType.BFLOAT16, DType.BFLOAT16),
    BFLOAT16_IN_FLOAT32(DType.BFLOAT16, DType.FLOAT32);

    private final DType resting;
    private final DType compute;

    Precision(DType resting, DType compute) {
        this.resting = resting;
        this.compute = compute;
    }

    DType resting() {
        return resting;
    }

    DType compute() {
        return compute;
    }
}
