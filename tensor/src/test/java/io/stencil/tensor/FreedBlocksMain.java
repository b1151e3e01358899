package io.stencil.tensor;

import io.stencil.testing.AllocatedMemory;
import org.bytedeco.pytorch.Scalar;

/// A Java of its own that prints by how many MiB mapped memory grows with a tensor of 16 MiB.
final class FreedBlocksMain {

    private static final long MEBIBYTE = 1 << 20;

    private FreedBlocksMain() {}

    public static void main(String[] args) {
        try (Scope _ = new Scope()) {
            long before = AllocatedMemory.bytes();
            Tensors.empty(DType.FLOAT32, Device.CPU, 4 * MEBIBYTE).fill_(new Scalar(1));
            System.out.println("mapped " + (AllocatedMemory.bytes() - before) / MEBIBYTE);
        }
    }
}
