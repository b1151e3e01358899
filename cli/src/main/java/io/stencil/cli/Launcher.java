package io.stencil.cli;

import io.stencil.distributed.ProcessEnvironment;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Runs the ranks of one training to their end: prefixes their output with their numbers, passes requests to stop on to
/// all, and ends the others where one fails.
final class Launcher {

    /// For the others to find out and to end in order when one has failed.
    private static final Duration GRACE = Duration.ofSeconds(20);

    /// Limits the time of ranks to end after a second stop signal.
    private static final Duration AT_ONCE = Duration.ofSeconds(10);

    private static final int INTERRUPTED = 130;
    private static final int SIGNALLED = 128;

    private final Ranks ranks;
    private final PrintWriter out;
    private final PrintWriter err;
    private final List<Process> started = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> readers = new ArrayList<>();
    private volatile boolean stopping;

    Launcher(Ranks ranks, PrintWriter out, PrintWriter err) {
        this.ranks = ranks;
        this.out = out;
        this.err = err;
    }

    /// Returns the command that runs Stencil in another process: Java as this process runs it, with other words.
    static List<String> java(List<String> words) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), StencilCommand.class.getName()));
        command.addAll(words);
        return command;
    }

    /// Passes a signal on. The first lets each rank save what it has to and end; at a second one each ends at once, and
    /// is killed where it cannot.
    void requestStop() {
        synchronized (started) {
            if (stopping) {
                CompletableFuture.delayedExecutor(AT_ONCE.toSeconds(), TimeUnit.SECONDS)
                        .execute(() -> List.copyOf(started).forEach(Process::destroyForcibly));
            }
            stopping = true;
            started.forEach(Launcher::terminate);
        }
    }

    /// Ends a process and leaves its output open, unlike [Process#destroy]: a rank reports its stop and the saved
    /// state.
    private static void terminate(Process process) {
        process.toHandle().destroy();
    }

    /// Starts the ranks and waits for all of them.
    ///
    /// @return the highest exit code
    /// @throws IOException when one cannot be started; the others are ended then
    int run() throws IOException {
        try {
            BlockingQueue<Integer> ended = new LinkedBlockingQueue<>();
            for (ProcessBuilder builder : ranks.processes()) {
                start(builder, ended);
            }
            int code = await(ended);
            for (Thread reader : readers) {
                reader.join();
            }
            return code;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return INTERRUPTED;
        } finally {
            List.copyOf(started).forEach(Process::destroyForcibly);
        }
    }

    private void start(ProcessBuilder builder, BlockingQueue<Integer> ended) throws IOException {
        int rank = started.size();
        Process process;
        synchronized (started) {
            process = builder.start();
            started.add(process);
            if (stopping) {
                terminate(process);
            }
        }
        read(rank, process.getInputStream(), out);
        read(rank, process.getErrorStream(), err);
        CompletableFuture<Void> _ = process.onExit().thenRun(() -> ended.add(rank));
    }

    private void read(int rank, InputStream stream, PrintWriter to) {
        readers.add(Thread.ofPlatform().daemon().name("output of rank " + rank).start(() -> {
            try (BufferedReader lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                String line = lines.readLine();
                while (line != null) {
                    to.println("[%s] %s".formatted(rank, line));
                    line = lines.readLine();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }));
    }

    private int await(BlockingQueue<Integer> ended) throws InterruptedException {
        int worst = 0;
        boolean failed = false;
        long deadline = Long.MAX_VALUE;
        for (int left = ranks.count(); left > 0; ) {
            Integer rank =
                    failed ? ended.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS) : ended.take();
            if (rank == null) {
                err.println(
                        "stencil: the other ranks did not end within %s s and are killed".formatted(GRACE.toSeconds()));
                List.copyOf(started).forEach(Process::destroyForcibly);
                deadline = Long.MAX_VALUE;
                continue;
            }
            left--;
            int code = started.get(rank).exitValue();
            worst = Math.max(worst, code);
            if (code != 0 && !failed && !(stopping && code == INTERRUPTED)) {
                failed = true;
                deadline = System.nanoTime() + GRACE.toNanos();
                reportFailure(rank, code, left);
            }
        }
        return worst;
    }

    private void reportFailure(int rank, int code, int left) {
        String how = code > SIGNALLED && code != INTERRUPTED
                ? "was killed by signal %s".formatted(code - SIGNALLED)
                : "ended with exit code %s".formatted(code);
        err.println("stencil: rank %s %s%s"
                .formatted(rank, how, left == 0 ? "" : "; the other ranks end too, and the last checkpoint stays"));
    }

    /// Builds the processes of a launch: the Java of this process, one command line for all, and for each the
    /// environment variables of its rank.
    ///
    /// @param count of processes
    /// @param port at which they meet; null for a free one
    /// @param words the command line of each
    /// @param environment of this process
    record Ranks(int count, @Nullable Integer port, List<String> words, Map<String, String> environment) {

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
                ProcessBuilder process = new ProcessBuilder(java(words));
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
}
