package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Parts of models that are used without a pass beside a close: the process lives, and the parts are refused by name.
class DirectUseTest {

    private static final int PIPELINES = 30;

    @Test
    void theProcessLives(@TempDir Path folder) throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx512m",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
                "-Dstencil.root=" + System.getProperty("stencil.root"),
                "-cp",
                System.getProperty("java.class.path"),
                DirectUseMain.class.getName(),
                Integer.toString(PIPELINES));
        java.environment().put("STENCIL_THREADS", "1");
        Process process = java.redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        String exception = "io.stencil.error.InvalidStateException: ";
        String layer = exception + "the parameter was freed, as its module was closed; load the model again";
        assertThat(output.lines())
                .hasSize(5 * PIPELINES)
                .containsOnly(layer, exception + "the tokenizer is closed; load the text encoder again");
    }
}
