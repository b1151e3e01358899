package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// The settings of glibc's allocator. Blocks that are mapped by themselves go back to the system when they are freed.
@EnabledOnOs(OS.LINUX)
class FreedBlocksTest {

    @TempDir
    private Path folder;

    @Test
    void blocksBelow32MebibytesAreNotMappedByThemselves() throws IOException, InterruptedException {
        assertThat(JavaProcess.run(folder, FreedBlocksMain.class)).endsWith("mapped 0\n");
    }

    @Test
    void theEnvironmentWins() throws IOException, InterruptedException {
        assertThat(JavaProcess.run(folder, Map.of("MALLOC_MMAP_THRESHOLD_", "1048576"), FreedBlocksMain.class))
                .endsWith("mapped 16\n");
    }
}
