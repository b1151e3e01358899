package io.stencil.pipeline.models;

import io.stencil.error.InvalidStateException;
import io.stencil.tensor.Libtorch;
import io.stencil.tensor.ProcessRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Serializes calls on one set of models: one runs at a time, and threads that call meanwhile wait in the order in
/// which they came. A call whose thread is interrupted while it waits is refused.
///
/// ```java
/// try (CallGate.Turn _ = gate.enter(CallGate.Kind.WORK, "generate()")) { ... }
/// ```
/// Nothing waits for its own thread: a call within a call that does not allow it is refused. Nor do two threads wait
/// for each other: a call is refused where it would have to wait for a thread that waits for this one at another
/// gate, and a call by a Template's code, which has the [process's generators][ProcessRandom], where it would have to
/// wait.
public final class CallGate {

    /// Where a call may run.
    public enum Kind {
        /// By itself or in a session. Within it runs code of the application, such as a progress listener, that must
        /// not call back.
        WORK,
        /// By itself or in another session. Work may run in it.
        SESSION,
        /// By itself alone, since it changes what other calls work with.
        CHANGE
    }

    /// The gates that threads wait for.
    private static final Map<Thread, CallGate> WAITING = new ConcurrentHashMap<>();

    private final ReentrantLock lock = new ReentrantLock(true);
    /// The thread that holds the lock.
    private volatile @Nullable Thread owner;
    /// The innermost call of the thread that holds the lock.
    private @Nullable Turn running;
    private volatile boolean closing;

    /// A call that runs, until closed on the same thread.
    public final class Turn implements AutoCloseable {
        private final Kind kind;
        private final String call;
        private final @Nullable Turn outer = running;

        private Turn(Kind kind, String call) {
            this.kind = kind;
            this.call = call;
            running = this;
            owner = Thread.currentThread();
        }

        @Override
        public void close() {
            running = outer;
            if (outer == null) {
                owner = null;
            }
            lock.unlock();
        }
    }

    /// Waits until calls of other threads have returned, and begins one.
    ///
    /// @param call for messages, such as `generate()`
    /// @throws InvalidStateException when the models are closed or are being closed, when this thread is in a call that
    ///     does not allow the new one, when a Template's code would have to wait, and when it is interrupted meanwhile
    public Turn enter(Kind kind, String call) {
        requireAllowed(kind, call);
        requireNotClosing(call); // before it waits, too
        if (lock.isHeldByCurrentThread()) {
            lock.lock(); // a call within one never waits
        } else if (lock.hasQueuedThreads() || !lock.tryLock()) {
            await(call);
        }
        try {
            requireNotClosing(call);
            Libtorch.prepareThread();
            return new Turn(kind, call);
        } catch (RuntimeException | Error e) {
            lock.unlock();
            throw e;
        }
    }

    /// A call within one that runs belongs to it.
    private void requireNotClosing(String call) {
        if (closing && running() == null) {
            throw new InvalidStateException("the pipeline is closed; %s needs an open one".formatted(call));
        }
    }

    /// A thread that runs a Template's code has the process's generators, for which the call that runs may be waiting.
    private void await(String call) {
        requireNoHolder(call);
        Thread thread = Thread.currentThread();
        if (!announce()) {
            throw waitsForever(call);
        }
        try {
            lock.lockInterruptibly();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new InvalidStateException(
                    "%s was interrupted while it waited for a call of another thread on the same pipeline"
                            .formatted(call));
        } finally {
            WAITING.remove(thread);
        }
    }

    private void requireNoHolder(String call) {
        if (ProcessRandom.isHeld()) {
            throw new InvalidStateException(
                    "%s was called by a Template's code while another thread uses the pipeline; do not share it with that"
                                    .formatted(call)
                            + " thread, or call it outside of the Template");
        }
    }

    /// Records that this thread waits for this gate, unless the thread in it waits for this one, directly or through
    /// others.
    private boolean announce() {
        synchronized (WAITING) {
            Thread thread = Thread.currentThread();
            for (CallGate gate = this; gate != null; ) {
                Thread owner = gate.owner;
                if (thread.equals(owner)) {
                    return false;
                }
                gate = owner == null ? null : WAITING.get(owner);
            }
            WAITING.put(thread, this);
            return true;
        }
    }

    private @Nullable Turn running() {
        return lock.isHeldByCurrentThread() ? running : null;
    }

    private void requireAllowed(Kind kind, String call) {
        Turn outer = running();
        if (outer != null && (outer.kind != Kind.SESSION || kind == Kind.CHANGE)) {
            throw new InvalidStateException(
                    "%s was called within %s, by a progress listener or a Template; call it when %s has returned"
                            .formatted(call, outer.call, outer.call));
        }
    }

    /// Refuses new calls, unless this thread must not wait for the one that runs.
    private void awaitClosing() {
        String call = "close()";
        requireNoHolder(call);
        if (!announce()) {
            throw waitsForever(call);
        }
        closing = true;
        try {
            lock.lock();
        } finally {
            WAITING.remove(Thread.currentThread());
        }
    }

    private static InvalidStateException waitsForever(String call) {
        return new InvalidStateException(
                "%s would wait forever: the thread that uses the pipeline waits for a pipeline that this thread uses; call it when the other call has returned"
                        .formatted(call));
    }

    /// Waits for the call that runs and then frees what calls work with. From now on all others are refused, those that
    /// wait already among them. It does not wait for interrupts, and may be called again.
    ///
    /// @param free does nothing when it is called again
    /// @throws InvalidStateException when this thread is in a call, and when it must not wait for the one that runs;
    ///     nothing is freed then
    public void close(Runnable free) {
        requireAllowed(Kind.CHANGE, "close()");
        if (!lock.tryLock()) {
            awaitClosing();
        }
        closing = true;
        try (Turn _ = new Turn(Kind.CHANGE, "close()")) {
            free.run();
        }
    }
}
