package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("memory")
class ScopeMemoryTest {

    private static final int RUNS = 2_000;
    private static final long MEGABYTE = 1L << 20;

    @Test
    void residentMemoryIsFlatOverThousandsOfScopes() {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                OwnedTensor held = new OwnedTensor(megabyte())) {
            long settled = 0;
            for (int run = 0; run < RUNS; run++) {
                try (Scope _ = new Scope()) {
                    Tensor kept;
                    try (Scope inner = new Scope()) {
                        megabyte();
                        kept = inner.keep(megabyte());
                    }
                    held.set(Ops.add(kept, 1));
                }
                if (run == RUNS / 10) {
                    settled = ResidentMemory.bytes();
                }
            }
            // One leaked tensor of a run would be 1,800 MB.
            assertThat(ResidentMemory.bytes() - settled).isLessThan(20 * MEGABYTE);
        }
    }

    private static Tensor megabyte() {
        return Tensors.full(1, DType.FLOAT32, Device.CPU, MEGABYTE / 4);
    }
}
