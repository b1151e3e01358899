package io.stencil.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.testing.ResidentMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Resident memory while a model is made: that of its largest tensor, not that of the model.
@Tag("memory")
class ModelInitialisationMemoryTest {

    private static final String CONFIG = """
            {"_class_name": "Flux2Transformer2DModel", "patch_size": 1, "in_channels": 128, "num_layers": 2,
             "num_single_layers": 20, "attention_head_dim": 128, "num_attention_heads": 8, "joint_attention_dim": 1024,
             "axes_dims_rope": [32, 32, 32, 32], "guidance_embeds": false}
            """;

    @TempDir
    private Path folder;

    private long fileSize(String name, String config) throws IOException {
        Path target = folder.resolve(name);
        Path configs = Files.createDirectories(folder.resolve(name + "-configs"));
        Files.createDirectory(configs.resolve("transformer"));
        Files.writeString(configs.resolve("transformer/config.json"), config);
        new ModelInitialisation(0, DType.BFLOAT16).write(configs, target);
        return Files.size(target.resolve("transformer/diffusion_pytorch_model.safetensors"));
    }

    @Test
    void aModelIsNeverInMemoryAsAWhole() throws IOException {
        String small = CONFIG.replace("\"num_single_layers\": 20", "\"num_single_layers\": 1");
        assertThat(small).isNotEqualTo(CONFIG);
        fileSize("first", small); // classes and libraries
        ResidentMemory.resetPeak();
        long before = ResidentMemory.bytes();

        long size = fileSize("second", CONFIG);

        assertThat(size).isGreaterThan(600L << 20);
        assertThat(ResidentMemory.peakBytes() - before)
                .isLessThan(size / 2); // which in float32 is a quarter of the model
    }
}
