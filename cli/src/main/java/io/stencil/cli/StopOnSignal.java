package io.stencil.cli;

import java.util.concurrent.CountDownLatch;

/// Lets work end in order when the process is told to stop (Ctrl-C, SIGTERM), and ends the process with 130 then.
///
/// The Java platform answers both signals by running its shutdown hooks beside the working threads and ending when the
/// hooks are done. The hook made here asks the work to stop and waits until this object is closed.
final class StopOnSignal implements AutoCloseable {

    /// Exit code of a run that was interrupted and has saved its work.
    static final int INTERRUPTED = 130;

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook;

    /// @param requestStop asks the work to stop soon; called on another thread
    StopOnSignal(Runnable requestStop) {
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
        Runtime.getRuntime().halt(INTERRUPTED);
    }

    /// Tells that the work is over; if a signal came, the process ends now.
    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            awaitHalt(e);
        }
    }

    /// A signal came: the hook is about to end the process, and nothing else may run before.
    private void awaitHalt(IllegalStateException cause) {
        try {
            hook.join();
        } catch (InterruptedException e) {
            cause.addSuppressed(e);
            throw cause;
        }
    }
}
