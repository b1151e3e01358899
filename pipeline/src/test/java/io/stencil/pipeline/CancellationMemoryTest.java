package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.CancelledException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.StackToken;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Native memory after generations that were cancelled in all models.
@Tag("memory")
class CancellationMemoryTest {

    private static final List<String> MODELS = List.of("Encoder", "Qwen3Encoder", "Flux2Transformer", "Decoder");
    private static final int TIMES = 60;

    @Test
    void cancelledGenerationsLeaveNothing() {
        AllocatedMemory.mapLargeBlocks();
        GenerationRequest request = GenerationRequest.of("a wall")
                .size(64, 64)
                .steps(2)
                .inputImage(RgbImage.filled(new ImageSize(64, 64), 0x336699))
                .cfgScale(2)
                .build();
        Random random = new Random(5);
        try (Flux2Pipeline pipeline =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            pipeline.generateAll(request, List.of(1L, 2L), ProgressListener.NONE, new StackToken("None", 0));
            long before = AllocatedMemory.bytes();
            List<Long> growth = new ArrayList<>();
            for (int i = 0; i < TIMES; i++) {
                String model = MODELS.get(i % MODELS.size());
                StackToken token = new StackToken(model, random.nextInt(4));
                assertThatThrownBy(() -> pipeline.generateAll(request, List.of(1L, 2L), ProgressListener.NONE, token))
                        .isInstanceOf(CancelledException.class);
                growth.add(AllocatedMemory.bytes() - before);
            }
            // what Java's own threads hold for a moment aside: a leak of any model would be in all of the last readings
            assertThat(Collections.min(growth.subList(TIMES - 2 * MODELS.size(), TIMES)))
                    .isZero();
        }
    }
}
