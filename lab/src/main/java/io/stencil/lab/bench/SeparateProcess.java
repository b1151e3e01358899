package io.stencil.lab.bench;

import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFolder;
import io.stencil.lab.bench.BenchReport.Measurement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Runs a benchmark in a process that does nothing else, so that the memory reported is its own.
public final class SeparateProcess {

    private SeparateProcess() {}

    /// @param command program and arguments that measure, without the option that names the result's file
    /// @throws InvalidRequestException with what the process printed, when it failed
    public static Measurement measure(List<String> command) {
        try (AtomicFolder.Temporary folder = AtomicFolder.Temporary.create("stencil-bench")) {
            Path result = folder.path().resolve("result.json");
            List<String> all = new ArrayList<>(command);
            all.add("--output_path=" + result);
            Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
            process.getOutputStream().close();
            try {
                String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                int code = process.waitFor();
                if (code != 0) {
                    throw new InvalidRequestException(NAME, reason(printed, code));
                }
            } finally {
                process.destroyForcibly();
            }
            return BenchReport.read(result).getFirst();
        } catch (IOException e) {
            throw new InvalidFileException(Location.ofField(NAME), "a process cannot be run: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InvalidRequestException(Location.ofField(NAME), "was interrupted", e);
        }
    }

    private static final String NAME = "bench";

    /// The last line is the error; a process that the system killed has none.
    private static String reason(String printed, int code) {
        List<String> lines = printed.lines().filter(line -> !line.isBlank()).toList();
        return lines.isEmpty() || code > 128
                ? "the process of a benchmark ended with exit code %s; is there memory enough?".formatted(code)
                : lines.getLast().replaceFirst("^stencil: ", "");
    }
}
