package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.testing.TestFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// The real command line as a process of its own.
///
/// @param log folder in which its outputs are kept while it runs
record StencilProcess(Process process, Path log) {

    private static final long TIMEOUT_MINUTES = 5;

    /// Starts `stencil` with these words.
    ///
    /// @param folder working directory
    static StencilProcess start(Path folder, String... words) throws IOException {
        return start(folder, Map.of(), words);
    }

    /// Starts `stencil` with these words.
    ///
    /// @param environment variables that it gets beside those of this process
    static StencilProcess start(Path folder, Map<String, String> environment, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Xmx1g",
                "-XX:TieredStopAtLevel=1",
                "-Dstencil.root=" + TestFiles.root(),
                "-cp",
                System.getProperty("java.class.path"),
                StencilCommand.class.getName()));
        command.addAll(List.of(words));
        Path log = Files.createTempDirectory("stencil-it");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectOutput(log.resolve("out").toFile())
                .redirectError(log.resolve("err").toFile());
        builder.environment().putAll(environment);
        return new StencilProcess(builder.start(), log);
    }

    /// Runs `stencil` to its end.
    static StencilRun run(Path folder, String... words) throws IOException, InterruptedException {
        return start(folder, words).await();
    }

    /// Sends SIGINT, as Ctrl-C does.
    void interrupt() throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    }

    /// What it printed so far on standard error.
    String errorsSoFar() throws IOException {
        return Files.readString(log.resolve("err"), StandardCharsets.UTF_8);
    }

    StencilRun await() throws IOException, InterruptedException {
        try {
            assertThat(process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES))
                    .as("stencil ended in time")
                    .isTrue();
            return new StencilRun(process.exitValue(), Files.readString(log.resolve("out")), errorsSoFar());
        } finally {
            process.destroyForcibly();
            Files.deleteIfExists(log.resolve("out"));
            Files.deleteIfExists(log.resolve("err"));
            Files.deleteIfExists(log);
        }
    }
}
