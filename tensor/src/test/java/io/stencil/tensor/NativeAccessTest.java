package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.error.StencilException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// In a Java of its own, which denies native access.
class NativeAccessTest {

    /// Prints why libtorch cannot be loaded, twice.
    static final class Main {
        private Main() {}

        public static void main(String[] args) {
            for (int i = 0; i < 2; i++) {
                try {
                    Libtorch.load();
                } catch (StencilException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    @Test
    void aJavaThatDeniesItIsNamedWithTheOption() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--illegal-native-access=deny",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        String line =
                "'--enable-native-access': Java denies native access, and libtorch is a native library; start Java"
                        + " with --enable-native-access=ALL-UNNAMED, or with the names of the modules where they are on the"
                        + " module path\n";
        assertThat(output).isEqualTo(line + line);
    }
}
