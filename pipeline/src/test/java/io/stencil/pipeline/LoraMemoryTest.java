package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.ModelFiles;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.testing.AllocatedMemory;
import io.stencil.testing.ResidentMemory;
import io.stencil.testing.ShortPrompts;
import io.stencil.testing.TestFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// LoRAs of all kinds, loaded and taken off many times.
@Tag("memory")
class LoraMemoryTest {

    private static final int TIMES = 100;
    private static final long MEGABYTE = 1L << 20;

    private static final GenerationRequest REQUEST =
            GenerationRequest.of("a").size(16, 16).steps(1).seed(1).build();

    @Test
    void aHundredLorasOnAndOffLeaveNothing() {
        AllocatedMemory.mapLargeBlocks();
        List<Path> files = Stream.of("diffusers", "dora_peft", "lokr_full", "loha")
                .map(name -> TestFiles.golden("formats/lora/" + name + ".safetensors"))
                .toList();
        long settled = 0;
        try (Flux2Pipeline pipeline =
                Flux2Pipeline.load(ModelFiles.in(ShortPrompts.model()), new LoadOptions(DType.FLOAT32, Device.CPU))) {
            float[] base = latents(pipeline, REQUEST);
            for (int i = 0; i < TIMES; i++) {
                for (Path file : files) {
                    pipeline.loadLora(file, 0.5);
                }
                if (i % 10 == 0) {
                    GenerationRequest request =
                            REQUEST.toBuilder().lora(files.get(1), 0.5).build();
                    assertThat(latents(pipeline, request)).isNotEqualTo(base);
                }
                pipeline.clearLoras();
                if (i % 10 == 0) {
                    assertThat(latents(pipeline, REQUEST)).isEqualTo(base);
                }
                if (i == TIMES / 5) {
                    settled = ResidentMemory.bytes();
                }
            }
            assertThat(latents(pipeline, REQUEST)).isEqualTo(base);
        }
        // 1.2 MB each time would be 96 MB
        assertThat(ResidentMemory.bytes() - settled).isLessThan(30 * MEGABYTE);
    }

    private static float[] latents(Flux2Pipeline pipeline, GenerationRequest request) {
        try (Scope _ = new Scope()) {
            return Tensors.toFloats(pipeline.generate(request).latents().toTensor());
        }
    }
}
