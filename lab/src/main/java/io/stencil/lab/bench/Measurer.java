package io.stencil.lab.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Measures one work in this process.
public final class Measurer {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String PEAK = "VmHWM:";

    private Measurer() {}

    /// Runs a work once to warm up, and then as often as asked.
    ///
    /// The memory is that of the whole process since it began: run one work a process.
    ///
    /// @param repeats at least 1
    public static Measurement measure(Work work, BenchModels models, int repeats) {
        try (OpenWork open = work.open(models)) {
            double operations = 2.0 * open.passes() * open.run();
            List<Double> seconds = new ArrayList<>();
            for (int i = 0; i < repeats; i++) {
                long began = System.nanoTime();
                open.run();
                seconds.add((System.nanoTime() - began) / 1e9);
            }
            return new Measurement(work.label(), seconds, operations, peak());
        }
    }

    private static @Nullable Long peak() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(PEAK)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
            return null;
        } catch (IOException _) {
            return null; // not Linux
        }
    }
}
