package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Reads the accounts of glibc's allocator in a Java of its own.
@Tag("memory")
class FreedBlocksTest {

    @TempDir
    private Path folder;

    @Test
    void heapsKeepFreedBlocksBelow32Mebibytes() throws IOException, InterruptedException {
        assertThat(JavaProcess.run(folder, FreedBlocksMain.class)).endsWith("mapped 0, kept\n");
    }

    @Test
    void theEnvironmentTakesPrecedence() throws IOException, InterruptedException {
        assertThat(JavaProcess.run(
                        folder,
                        Map.of("MALLOC_MMAP_THRESHOLD_", "1048576", "MALLOC_TRIM_THRESHOLD_", "131072"),
                        FreedBlocksMain.class))
                .endsWith("mapped 16, returned\n");
    }
}
