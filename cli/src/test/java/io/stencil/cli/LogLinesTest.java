package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class LogLinesTest {

    @Test
    void aWarningIsOneLine() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Warning.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(output.lines()).containsExactly("stencil: waiting for 100% of it");
    }

    static final class Warning {
        private Warning() {}

        public static void main(String[] words) {
            ErrorPrinter.formatLogs();
            System.getLogger("io.stencil").log(System.Logger.Level.WARNING, "waiting for 100% of it");
        }
    }
}
