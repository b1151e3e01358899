package io.stencil.cli.terminal;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Lets work end in order when the process is told to stop (Ctrl-C, SIGTERM).
///
/// The Java platform answers both signals by running its shutdown hooks beside the working threads and ending when
/// the hooks are done. The hook made here asks the work to stop and waits until [#exit] tells the exit code: that
/// of the work, also where it failed while it was stopping.
public final class StopOnSignal implements AutoCloseable {

    /// Exit code of a run that was interrupted and has saved its work.
    public static final int INTERRUPTED = 130;

    /// The one whose hook waits for [#exit], its work being over.
    private static final AtomicReference<@Nullable StopOnSignal> ENDING = new AtomicReference<>();

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook;
    private volatile int exitCode = INTERRUPTED;

    /// @param requestStop asks the work to stop soon; called on another thread
    public StopOnSignal(Runnable requestStop) {
        hook = new Thread(() -> stop(requestStop), "stop");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void stop(Runnable requestStop) {
        requestStop.run();
        try {
            finished.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(exitCode);
    }

    /// Tells that the work is over. If a signal came, the process ends at [#exit], so that a failure can be told
    /// before.
    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) { // the hook is running
            ENDING.set(this);
        }
    }

    /// Ends the process, whether a signal came or not. All that is to be printed must be printed.
    public static void exit(int code) {
        StopOnSignal ending = ENDING.get();
        if (ending != null) {
            ending.exitCode = code;
            ending.finished.countDown();
        }
        System.exit(code); // waits for the hook where a signal came
    }
}
