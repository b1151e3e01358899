package io.stencil.cli.terminal;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Ends work in order at the first signal to stop (Ctrl-C, SIGTERM, SIGHUP), and the process at once at the second.
///
/// The first signal asks the work to stop. A signal that comes within a second of it is the same request: `timeout`,
/// launchers and terminals deliver one to a process more than once. A later one ends the process at once, whatever the
/// work does, and says what is lost. So does `System.exit` in the code of a Template.
public final class StopOnSignal implements AutoCloseable {

    /// Exit code of a run that was interrupted.
    public static final int INTERRUPTED = 130;

    private static final List<String> SIGNALS = List.of("HUP", "INT", "TERM");
    private static final Duration SAME_REQUEST = Duration.ofSeconds(1);
    private static final Duration PRINTING = Duration.ofSeconds(2);
    private static final int FAILED = 1;

    private final SignalHandlers handlers;
    private final @Nullable Thread hook;
    private final Runnable requestStop;
    private final Runnable again;
    private boolean requested;
    private long requestedAt;

    /// @param requestStop asks the work to stop soon; called once, on another thread
    /// @param unsaved what is lost when the process ends at once; called on another thread
    /// @param err where that is printed
    public StopOnSignal(Runnable requestStop, Supplier<String> unsaved, PrintWriter err) {
        this.requestStop = requestStop;
        this.again = () -> {
            print(err, () -> "ended at once: " + unsaved.get());
            Runtime.getRuntime().halt(INTERRUPTED);
        };
        this.hook = new Thread(
                () -> {
                    print(err, () -> "System.exit was called before the work was done: " + unsaved.get());
                    Runtime.getRuntime().halt(FAILED); // whatever code was given: the work is not done
                },
                "exit");
        Runtime.getRuntime().addShutdownHook(hook);
        this.handlers = new SignalHandlers(SIGNALS, this::signalled);
    }

    private StopOnSignal(Runnable stop) {
        this.requestStop = stop;
        this.again = stop;
        this.hook = null;
        this.handlers = new SignalHandlers(SIGNALS, this::signalled);
    }

    /// Passes each request on, also those after the first: for work that is done in other processes.
    ///
    /// @param stop called on another thread
    public static StopOnSignal passingOn(Runnable stop) {
        return new StopOnSignal(stop);
    }

    private void signalled() {
        boolean first;
        synchronized (this) {
            first = !requested;
            if (first) {
                requested = true;
                requestedAt = System.nanoTime();
            } else if (System.nanoTime() - requestedAt < SAME_REQUEST.toNanos()) {
                return;
            }
        }
        if (first) {
            requestStop.run();
        } else {
            again.run();
        }
    }

    /// Prints on another thread, as the output may be blocked for good.
    private static void print(PrintWriter err, Supplier<String> text) {
        Thread printing = Thread.ofPlatform().daemon().start(() -> {
            err.println();
            err.println("stencil: " + text.get());
            err.flush();
        });
        try {
            printing.join(PRINTING);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Tells that the work is over: signals end the process as they do by default.
    @Override
    public void close() {
        handlers.close();
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) { // it is running, and ends the process
            }
        }
    }
}
