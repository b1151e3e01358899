package io.stencil.cli.launch;

import io.stencil.distributed.ProcessEnvironment;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Builds the processes of a launch: the Java of this process, one command line for all, and for each the environment
/// variables of its rank.
///
/// @param count of processes
/// @param port at which they meet; null for a free one
/// @param words the command line of each
/// @param environment of this process
public record Ranks(int count, @Nullable Integer port, List<String> words, Map<String, String> environment) {

    private static final String LOOPBACK = "127.0.0.1";
    private static final String THREADS = "STENCIL_THREADS";

    public Ranks {
        words = List.copyOf(words);
        environment = Map.copyOf(environment);
    }

    /// One process for each rank, not started yet.
    ///
    /// @throws IOException when no port is free
    List<ProcessBuilder> processes() throws IOException {
        int meeting = port == null ? freePort() : port;
        List<ProcessBuilder> processes = new ArrayList<>();
        for (int rank = 0; rank < count; rank++) {
            ProcessBuilder process = new ProcessBuilder(JavaCommand.of(words));
            process.environment().clear();
            process.environment().putAll(environment);
            process.environment().putAll(variables(rank, meeting));
            processes.add(process.redirectInput(
                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile())));
        }
        return processes;
    }

    /// Returns the environment variables of one rank. Threads are divided evenly, unless their number is given.
    Map<String, String> variables(int rank, int meetingPort) {
        String given = environment.getOrDefault(THREADS, "").strip();
        int divided = Math.max(1, Runtime.getRuntime().availableProcessors() / count);
        return Map.of(
                ProcessEnvironment.ADDRESS,
                LOOPBACK,
                ProcessEnvironment.PORT,
                Integer.toString(meetingPort),
                ProcessEnvironment.RANK,
                Integer.toString(rank),
                ProcessEnvironment.WORLD_SIZE,
                Integer.toString(count),
                ProcessEnvironment.LOCAL_RANK,
                Integer.toString(rank),
                THREADS,
                given.isEmpty() ? Integer.toString(divided) : given);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
