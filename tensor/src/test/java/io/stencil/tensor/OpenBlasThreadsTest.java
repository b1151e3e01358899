package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// OpenBLAS as the maths library, in a Java of its own: which one is loaded is settled once in a process.
///
/// It takes no more threads than there are cores.
class OpenBlasThreadsTest {

    @TempDir
    private static Path home;

    private static int possible(int number) {
        return Math.min(number, Runtime.getRuntime().availableProcessors());
    }

    private static String threads(String variable, int number) throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Dorg.bytedeco.openblas.load=openblas",
                "-Duser.home=" + home,
                "-cp",
                System.getProperty("java.class.path"),
                OpenBlasThreadsMain.class.getName());
        java.environment().put("STENCIL_THREADS", "1");
        java.environment().remove("OPENBLAS_NUM_THREADS");
        java.environment().put(variable, Integer.toString(number));
        Process process = java.redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.strip();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void worksOnAsManyThreadsAsOperationsDo(int number) throws IOException, InterruptedException {
        assertThat(threads("STENCIL_THREADS", number)).endsWith("openblas " + possible(number));
    }

    /// In one folder with MKL, it would take the file name from a process that is loading that.
    @Test
    void liesInAFolderOfItsOwn() throws IOException, InterruptedException {
        threads("STENCIL_THREADS", 1);
        assertThat(home.resolve(".javacpp")).isDirectoryContaining("glob:**/openblas");
        assertThat(home.resolve(".javacpp/cache")).doesNotExist();
    }

    @Test
    void keepsTheNumberThatItWasGivenItself() throws IOException, InterruptedException {
        assertThat(threads("OPENBLAS_NUM_THREADS", 2)).endsWith("openblas " + possible(2));
    }
}
