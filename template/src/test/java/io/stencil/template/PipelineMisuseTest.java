package io.stencil.template;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.TorchGenerator;
import io.stencil.testing.JavaProcess;
import io.stencil.testing.ShortPrompts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever four threads do to one pipeline, the process lives and each call returns or is refused by name.
class PipelineMisuseTest {

    private static final int INTERLEAVINGS = 200;

    @TempDir
    private Path folder;

    private Path lora() throws IOException {
        Path file = folder.resolve("lora.safetensors");
        try (Scope _ = new Scope();
                TorchGenerator generator = new TorchGenerator(4)) {
            String layer = "transformer_blocks.0.attn.to_q";
            TensorFiles.write(
                    file,
                    Map.of(
                            layer + ".lora_A.weight", generator.randn(DType.FLOAT32, 4, 128),
                            layer + ".lora_B.weight", Ops.mul(generator.randn(DType.FLOAT32, 128, 4), 0.05)),
                    Map.of());
        }
        return file;
    }

    /// Both kinds of models at a time, as each takes one processor for a minute.
    @Test
    void theProcessLives() throws Exception {
        Path lora = lora();
        try (ExecutorService processes = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> outputs = Stream.of("resident", "offloaded")
                    .map(models -> processes.submit(() -> JavaProcess.run(
                            folder,
                            PipelineMisuseMain.class,
                            ShortPrompts.model().toString(),
                            lora.toString(),
                            Integer.toString(INTERLEAVINGS),
                            models)))
                    .toList();
            for (Future<String> output : outputs) {
                assertThat(output.get())
                        .contains("interleavings " + INTERLEAVINGS)
                        .contains("generate returned", "steered returned", "loadLora returned", "clearLoras returned")
                        .contains("close returned", "generate refused")
                        .doesNotContain("FAILED");
            }
            assertThat(outputs.getFirst().get()).contains("fuseLora returned");
            assertThat(outputs.getLast().get()).contains("fuseLora refused");
        }
    }
}
