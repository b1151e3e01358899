package io.stencil.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// Memory of the machine that could be allocated now, as Linux accounts it: caches of files are given up for it.
public final class AvailableMemory {

    private static final Path MACHINE = Path.of("/proc/meminfo");
    private static final Path CONTAINER = Path.of("/sys/fs/cgroup");
    private static final long KILOBYTE = 1024;

    private AvailableMemory() {}

    /// Bytes that the CPU's tensors could take, within the machine and the container of this process; empty for other
    /// devices, and where the system does not say.
    public static OptionalLong of(Device device) {
        return device.equals(Device.CPU)
                ? smaller(number(MACHINE, "MemAvailable:", KILOBYTE), ofContainer(CONTAINER))
                : OptionalLong.empty();
    }

    /// The limit of a control group (version 2), less what is in use and is no cache of files; empty without a limit.
    static OptionalLong ofContainer(Path group) {
        OptionalLong limit = number(group.resolve("memory.max"), "", 1);
        OptionalLong used = number(group.resolve("memory.current"), "", 1);
        OptionalLong cache = number(group.resolve("memory.stat"), "inactive_file ", 1);
        return limit.isEmpty() || used.isEmpty()
                ? OptionalLong.empty()
                : OptionalLong.of(Math.max(0, limit.getAsLong() - used.getAsLong() + cache.orElse(0)));
    }

    private static OptionalLong smaller(OptionalLong first, OptionalLong second) {
        return Stream.of(first, second)
                .filter(OptionalLong::isPresent)
                .mapToLong(OptionalLong::getAsLong)
                .min();
    }

    /// The number of the first line that begins with `name`; empty where there is no such line, or no number in it
    /// (`max`).
    private static OptionalLong number(Path file, String name, long unit) {
        try (Stream<String> lines = Files.lines(file)) {
            Optional<String> line = lines.filter(text -> text.startsWith(name)).findFirst();
            String digits = line.orElse("").replaceAll("\\D", "");
            return digits.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(digits) * unit);
        } catch (IOException _) {
            return OptionalLong.empty(); // not Linux, or no such group
        }
    }
}
