package io.stencil.service;

import io.stencil.error.InvalidStateException;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Jobs that wait for a worker, first in, first out, a bounded number of them.
final class JobQueue {

    private final int capacity;
    private final Consumer<GenerationJob> accepted;
    private final ArrayDeque<GenerationJob> jobs = new ArrayDeque<>();
    private boolean closed;

    /// @param accepted receives each job before a worker can take it
    JobQueue(int capacity, Consumer<GenerationJob> accepted) {
        this.capacity = capacity;
        this.accepted = accepted;
    }

    /// Adds a job at the end.
    ///
    /// @return false when the queue is full
    /// @throws InvalidStateException when it is closed
    synchronized boolean offer(GenerationJob job) {
        requireOpen();
        if (jobs.size() >= capacity) {
            return false;
        }
        accepted.accept(job);
        jobs.addLast(job);
        job.queue(jobs.size());
        notifyAll();
        return true;
    }

    /// @throws InvalidStateException when the queue is closed
    synchronized void requireOpen() {
        if (closed) {
            throw new InvalidStateException("the image service is closed; submit() needs an open one");
        }
    }

    /// Waits for a job. Interrupts have no effect: [#close] ends the wait.
    ///
    /// @return null once the queue is closed and empty
    synchronized @Nullable GenerationJob take() {
        while (jobs.isEmpty() && !closed) {
            try {
                wait();
            } catch (InterruptedException _) {
                // By the code of a Template that ran on this thread; it goes on waiting.
            }
        }
        GenerationJob job = jobs.pollFirst();
        place();
        return job;
    }

    /// Removes a job that waits.
    ///
    /// @return false when it does not
    synchronized boolean remove(GenerationJob job) {
        boolean removed = jobs.remove(job);
        place();
        return removed;
    }

    private void place() {
        int place = 0;
        for (GenerationJob job : jobs) {
            job.queue(++place);
        }
    }

    synchronized int size() {
        return jobs.size();
    }

    int capacity() {
        return capacity;
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /// Refuses further jobs; those that wait are still taken.
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
