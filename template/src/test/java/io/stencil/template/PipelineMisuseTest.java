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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whatever four threads do to one pipeline, the process lives and each call returns or is refused by name.
class PipelineMisuseTest {

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

    /// Two hundred interleavings on each kind of models.
    @Test
    void theProcessLives() throws Exception {
        assertProcessLives(200);
    }

    @Test
    @Tag("soak")
    void theProcessLivesLonger() throws Exception {
        assertProcessLives(400);
    }

    /// Runs both kinds of models at a time, as each takes one processor for a while.
    ///
    /// @param interleavings of each kind, no two of them alike
    private void assertProcessLives(int interleavings) throws Exception {
        Path lora = lora();
        try (ExecutorService processes = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> outputs = Stream.of("resident 0", "offloaded " + interleavings)
                    .map(models -> models.split(" "))
                    .map(models -> processes.submit(() -> JavaProcess.run(
                            folder,
                            PipelineMisuseMain.class,
                            ShortPrompts.model().toString(),
                            lora.toString(),
                            Integer.toString(interleavings),
                            models[0],
                            models[1])))
                    .toList();
            for (Future<String> output : outputs) {
                assertThat(output.get())
                        .contains("interleavings " + interleavings)
                        .contains("generate returned", "steered returned", "loadLora returned", "clearLoras returned")
                        .contains("close returned", "generate refused")
                        .doesNotContain("FAILED");
            }
            assertThat(outputs.getFirst().get()).contains("fuseLora returned");
            assertThat(outputs.getLast().get()).contains("fuseLora refused");
        }
    }
}
