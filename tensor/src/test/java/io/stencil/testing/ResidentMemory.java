package io.stencil.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Resident memory of this process, as Linux accounts it.
public final class ResidentMemory {

    private ResidentMemory() {}

    /// Bytes of physical memory in use now.
    public static long bytes() {
        return field("VmRSS:");
    }

    /// The most bytes that were in use at once.
    public static long peakBytes() {
        return field("VmHWM:");
    }

    private static long field(String name) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith(name)) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("resident memory cannot be read", e);
        }
        throw new IllegalStateException("no " + name + " in /proc/self/status");
    }

    /// Makes [#peakBytes] begin again from what is in use now.
    public static void resetPeak() {
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        } catch (IOException e) {
            throw new IllegalStateException("the peak of resident memory cannot be reset", e);
        }
    }
}
