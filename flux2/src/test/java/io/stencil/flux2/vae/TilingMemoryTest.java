package io.stencil.flux2.vae;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.autograd.GradMode;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("memory")
class TilingMemoryTest {

    private static final Tiling TILING = new Tiling(256, 64);

    @Test
    void tilesNeedLessThanHalfTheMemory() {
        AllocatedMemory.mapLargeBlocks();
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled();
                AutoencoderKlFlux2 vae = TinyVae.load(DType.FLOAT32)) {
            Tensor pixels = Tensors.full(0.25, DType.FLOAT32, Device.CPU, 1, 3, 768, 768);
            Tensor latents = Tensors.full(0.25, DType.FLOAT32, Device.CPU, 1, 128, 48, 48);
            // Tiles first: what the allocator keeps back afterwards counts for the whole picture, not against it.
            long encodeTiled = growth(() -> vae.encodeTiled(pixels, TILING));
            long decodeTiled = growth(() -> vae.decodeTiled(latents, TILING));
            long encode = growth(() -> vae.encode(pixels));
            long decode = growth(() -> vae.decode(latents));
            assertThat(encodeTiled).as("encoding in tiles").isLessThan(encode / 2);
            assertThat(decodeTiled).as("decoding in tiles").isLessThan(decode / 2);
        }
    }

    /// Bytes by which resident memory rises above what is in use now, at its peak.
    private static long growth(Supplier<Tensor> work) {
        try (Scope _ = new Scope()) {
            ResidentMemory.resetPeak();
            long before = ResidentMemory.bytes();
            assertThat(work.get().numel()).isPositive();
            return ResidentMemory.peakBytes() - before;
        }
    }
}
