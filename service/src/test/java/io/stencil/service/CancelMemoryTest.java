package io.stencil.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Jobs that are cancelled at any moment leave no native memory behind. `make soak` runs the long one.
@Tag("memory")
class CancelMemoryTest {

    private static final long MEGABYTE = 1L << 20;

    @TempDir
    private Path folder;

    @Test
    void someRandomCancels() throws Exception {
        cancel(16);
    }

    @Test
    @Tag("soak")
    void fiveHundredRandomCancels() throws Exception {
        cancel(500);
    }

    /// Guidance, Templates of both sides, LoRAs and two images, large enough that each tensor is a block of its own.
    private static ImageRequest request(long seed) {
        return TinyService.request()
                .size(256, 256)
                .seed(seed)
                .n(1 + (int) (seed % 2))
                .guidance(2)
                .template(new ImageRequest.TemplateUse("a", Map.of("scale", 0.8), Map.of("scale", 0.1)))
                .lora("first", 0.5)
                .build();
    }

    private void cancel(int count) throws Exception {
        AllocatedMemory.mapLargeBlocks();
        Random random = new Random(5);
        try (ImageService service =
                ImageService.open(TinyService.settings(folder).build())) {
            long begin = 0;
            for (int i = 0; i < 3; i++) { // weights, caches and the allocator's own memory
                begin = System.nanoTime();
                service.submit(request(1)).result().get();
            }
            long time = System.nanoTime() - begin;
            long allocated = AllocatedMemory.bytes();
            long resident = ResidentMemory.nativeBytes();
            int cancelled = 0;
            for (int i = 0; i < count; i++) {
                GenerationJob job = service.submit(request(1 + i % 2));
                Thread.sleep(random.nextLong(1 + time / 1_000_000));
                job.cancel();
                cancelled += isCancelled(job) ? 1 : 0;
            }
            assertThat(cancelled).isGreaterThan(count / 4);
            assertThat(AllocatedMemory.bytes() - allocated).as("allocated").isBetween(-MEGABYTE, MEGABYTE);
            long growth = ResidentMemory.nativeBytes() - resident;
            System.out.printf(
                    Locale.ROOT,
                    "%d of %d jobs cancelled: allocated %+d bytes, native resident %+.1f MB%n",
                    cancelled,
                    count,
                    AllocatedMemory.bytes() - allocated,
                    growth / 1e6);
            assertThat(growth).as("native resident").isLessThan(16 * MEGABYTE);
            assertThat(service.submit(request(2)).result().get()).hasSize(1);
        }
    }

    private static boolean isCancelled(GenerationJob job) throws ExecutionException, InterruptedException {
        try {
            job.result().get();
            return false;
        } catch (CancellationException _) {
            return true;
        }
    }
}
