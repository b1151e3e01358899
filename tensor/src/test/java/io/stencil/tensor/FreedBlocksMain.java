package io.stencil.tensor;

import io.stencil.testing.AllocatedMemory;

/// Allocates a tensor of 16 MiB in a Java of its own. Prints by how many MiB mapped memory grows with it, and whether a
/// heap keeps its memory when it is freed.
final class FreedBlocksMain {

    private static final long MEBIBYTE = 1 << 20;
    private static final long SIZE = 16 * MEBIBYTE;

    private FreedBlocksMain() {}

    public static void main(String[] args) {
        Libtorch.load();
        long before = AllocatedMemory.bytes();
        try (Scope _ = new Scope()) {
            Tensors.full(1, DType.FLOAT32, Device.CPU, SIZE / DType.FLOAT32.bytes());
            System.out.print("mapped " + (AllocatedMemory.bytes() - before) / MEBIBYTE);
        }
        System.out.println(AllocatedMemory.freeBytes() >= SIZE ? ", kept" : ", returned");
    }
}
