package io.stencil.cli.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// Runs the ranks of one training to their end: their output comes with their numbers before it, a stop that is asked
/// for reaches all, and where one fails the others end too.
public final class Launcher {

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

    public Launcher(Ranks ranks, PrintWriter out, PrintWriter err) {
        this.ranks = ranks;
        this.out = out;
        this.err = err;
    }

    /// Passes a signal on. The first lets each rank save what it has to and end; at a second one each ends at once, and
    /// is killed where it cannot.
    public void requestStop() {
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
    public int run() throws IOException {
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
                tell(rank, code, left);
            }
        }
        return worst;
    }

    private void tell(int rank, int code, int left) {
        String how = code > SIGNALLED && code != INTERRUPTED
                ? "was killed by signal %s".formatted(code - SIGNALLED)
                : "ended with exit code %s".formatted(code);
        err.println("stencil: rank %s %s%s"
                .formatted(rank, how, left == 0 ? "" : "; the other ranks end too, and the last checkpoint stays"));
    }
}
