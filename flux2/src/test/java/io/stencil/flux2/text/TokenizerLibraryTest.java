package io.stencil.flux2.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The library in a folder of its own, loaded by processes of their own.
class TokenizerLibraryTest {

    @TempDir
    private Path temporary;

    @Test
    void aLibraryCutShortIsReplaced() throws IOException, InterruptedException {
        Path cache = temporary.resolve("cache");
        String ids = ids(cache);
        assertThat(ids).startsWith("ids [");

        try (Stream<Path> files = Files.walk(cache)) {
            Path library = files.filter(Files::isRegularFile).findFirst().orElseThrow();
            try (FileChannel channel = FileChannel.open(library, StandardOpenOption.WRITE)) {
                channel.truncate(channel.size() / 2);
            }
        }
        assertThat(ids(cache)).isEqualTo(ids);
    }

    @Test
    void aFolderThatCannotBeWrittenIsToldWithTheRemedy() throws IOException, InterruptedException {
        Path cache = Files.writeString(temporary.resolve("cache"), "a file");

        assertThat(ids(cache))
                .startsWith(cache.resolve("tokenizers") + ": the tokenizer's native library cannot be unpacked")
                .contains("Exception", "ENGINE_CACHE_DIR")
                .doesNotContain("\n");
    }

    /// This module's tests have no logging library, as an application may have none.
    @Test
    void nothingIsPrintedWhereNoLoggingLibraryIs() throws IOException, InterruptedException {
        assertThat(process(temporary.resolve("cache"), "--enable-native-access=ALL-UNNAMED")
                        .start()
                        .getErrorStream())
                .isEmpty();
    }

    @Test
    void aJavaThatDeniesNativeAccessIsNamedWithTheOption() throws IOException, InterruptedException {
        assertThat(output(process(temporary.resolve("cache"), "--illegal-native-access=deny")))
                .startsWith(
                        "'--enable-native-access': Java denies native access, and the tokenizer is a native library;");
    }

    private static String ids(Path cache) throws IOException, InterruptedException {
        return output(process(cache, "--enable-native-access=ALL-UNNAMED"));
    }

    private static ProcessBuilder process(Path cache, String option) {
        ProcessBuilder java = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                option,
                "-cp",
                System.getProperty("java.class.path"),
                TokenizerMain.class.getName(),
                TestFiles.tinyModel("tokenizer").toString(),
                "a red circle");
        java.environment().put("ENGINE_CACHE_DIR", cache.toString());
        return java;
    }

    private static String output(ProcessBuilder java) throws IOException, InterruptedException {
        Process process = java.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said.strip();
    }
}
