package io.stencil.hub.fetch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Threads of one fetch, and how many of them may hold a connection. The first fault stops them all.
final class RangePool implements AutoCloseable {

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore connections;
    private final AtomicReference<@Nullable RuntimeException> fault = new AtomicReference<>();

    RangePool(int connections) {
        this.connections = new Semaphore(connections);
    }

    /// Runs one request on this thread when a connection is free.
    <T> T run(Supplier<T> request) {
        try {
            connections.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoppedException(e);
        }
        try {
            return request.get();
        } finally {
            connections.release();
        }
    }

    /// Runs requests side by side, as connections are free.
    <R> void runAll(List<R> ranges, Consumer<R> request) {
        List<Runnable> work = new ArrayList<>();
        for (R range : ranges) {
            work.add(() -> run(() -> {
                request.accept(range);
                return range;
            }));
        }
        all(work);
    }

    /// Runs work side by side and waits for it.
    ///
    /// @throws RuntimeException the first fault of any work of this pool, after which the rest is interrupted
    void all(List<Runnable> work) {
        List<Future<?>> running = new ArrayList<>();
        try {
            work.forEach(one -> running.add(threads.submit(() -> watched(one))));
            for (Future<?> one : running) {
                one.get();
            }
        } catch (ExecutionException | RejectedExecutionException e) {
            RuntimeException first = fault.get();
            throw first == null ? new IllegalStateException(e) : first;
        } catch (InterruptedException e) {
            threads.shutdownNow();
            Thread.currentThread().interrupt();
            throw new StoppedException(e);
        }
    }

    /// Remembers the first fault: the others are told of by work that it stopped.
    private void watched(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            fault.compareAndSet(null, e instanceof RuntimeException known ? known : new IllegalStateException(e));
            threads.shutdownNow();
            throw e;
        }
    }

    /// Work that was stopped because other work failed.
    static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StoppedException(Throwable cause) {
            super("stopped", cause);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        threads.close();
    }
}
