package io.stencil.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// What a run of the command line left.
record StencilRun(int exitCode, String out, String err) {

    /// Runs the command line inside this process.
    static StencilRun inProcess(String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = StencilCommand.run(
                StencilCommand.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true)),
                words);
        return new StencilRun(exitCode, out.toString(), err.toString());
    }

    /// It failed with one line, which names all of `parts`.
    void failed(int expectedCode, String... parts) {
        assertThat(err.strip().lines().toList()).as("standard error").hasSize(1);
        assertThat(err).startsWith("stencil: ").contains(parts);
        assertThat(exitCode).as(err).isEqualTo(expectedCode);
        assertThat(out).isEmpty();
    }

    StencilRun succeeded() {
        assertThat(exitCode).as(err).isZero();
        return this;
    }

    /// Everything in a folder, by path relative to it.
    static List<String> content(Path folder) throws IOException {
        if (Files.notExists(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(path -> !path.equals(folder))
                    .map(path -> folder.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }
}
