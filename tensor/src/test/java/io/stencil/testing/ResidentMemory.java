package io.stencil.testing;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.MemoryUsage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

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

    /// Bytes of physical memory in use now outside of the JVM's own areas: heap, metaspace and compiled code grow as
    /// Java pleases. The heap must have its full size and be touched from the start (`-Xms` as `-Xmx`,
    /// `-XX:+AlwaysPreTouch`).
    ///
    /// @throws IllegalStateException when the heap is not so
    public static long nativeBytes() {
        List<String> options = ManagementFactory.getRuntimeMXBean().getInputArguments();
        MemoryMXBean java = ManagementFactory.getMemoryMXBean();
        MemoryUsage heap = java.getHeapMemoryUsage();
        if (!options.contains("-XX:+AlwaysPreTouch") || heap.getCommitted() != heap.getMax()) {
            throw new IllegalStateException(
                    "native memory needs a heap of fixed size that is touched: -Xms as -Xmx, -XX:+AlwaysPreTouch");
        }
        return bytes() - heap.getCommitted() - java.getNonHeapMemoryUsage().getUsed();
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
