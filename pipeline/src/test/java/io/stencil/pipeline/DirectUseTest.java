package io.stencil.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Parts of models that are used without a pass beside a close: the process lives, and the parts are refused by name.
class DirectUseTest {

    private static final int PIPELINES = 30;

    @Test
    void theProcessLives(@TempDir Path folder) throws IOException, InterruptedException {
        String output = JavaProcess.run(folder, DirectUseMain.class, Integer.toString(PIPELINES));
        String exception = "io.stencil.error.InvalidStateException: ";
        String layer = exception + "the parameter was freed, as its module was closed; load the model again";
        assertThat(output.lines())
                .hasSize(5 * PIPELINES)
                .containsOnly(layer, exception + "the tokenizer is closed; load the text encoder again");
    }
}
