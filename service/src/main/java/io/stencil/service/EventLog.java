package io.stencil.service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The events of one job and their delivery: each subscriber reads them in order on a virtual thread of its own, so
/// that one that blocks or throws holds up nobody.
///
/// Memory is bounded by the number of steps: of places in the queue and of previews the latest are kept, and
/// a subscriber that is slow misses the ones between.
final class EventLog {

    private static final System.Logger LOGGER = System.getLogger("io.stencil.service");

    private static final AtomicLong THREADS = new AtomicLong();

    /// @param number counts all events, those that were replaced too
    private record Entry(long number, JobEvent event) {

        Entry withoutPreviews() {
            return event instanceof JobEvent.Step step && !step.previews().isEmpty()
                    ? new Entry(number, step.withoutPreviews())
                    : this;
        }
    }

    private final String job;
    private final List<Entry> entries = new ArrayList<>();
    private long last;

    /// @param job name of the job, for messages
    EventLog(String job) {
        this.job = job;
    }

    synchronized void add(JobEvent event) {
        if (event instanceof JobEvent.Queued
                && !entries.isEmpty()
                && entries.getLast().event() instanceof JobEvent.Queued) {
            entries.removeLast();
        }
        if (event instanceof JobEvent.Step step && !step.previews().isEmpty()) {
            entries.replaceAll(Entry::withoutPreviews);
        }
        entries.add(new Entry(++last, event));
        notifyAll();
    }

    /// Memory of the previews that are kept, in bytes.
    synchronized long previewBytes() {
        return entries.stream()
                .flatMap(entry ->
                        entry.event() instanceof JobEvent.Step step ? step.previews().stream() : Stream.empty())
                .mapToLong(preview -> preview.rgb().length)
                .sum();
    }

    /// Waits for the first event after that of a number.
    ///
    /// @return null once the subscription is closed, and after the last event
    private synchronized @Nullable Entry next(@Nullable Entry previous, Subscriber subscriber)
            throws InterruptedException {
        if (previous != null && previous.event().isLast()) {
            return null;
        }
        long number = previous == null ? 0 : previous.number();
        while (!subscriber.closed && last <= number) {
            wait();
        }
        if (subscriber.closed) {
            return null;
        }
        int at = entries.size() - 1;
        while (at > 0 && entries.get(at - 1).number() > number) {
            at--;
        }
        return entries.get(at);
    }

    /// Delivers all events to a listener, those so far first.
    GenerationJob.Subscription subscribe(Consumer<JobEvent> listener) {
        Subscriber subscriber = new Subscriber(listener);
        Thread.ofVirtual().name("stencil-events-", THREADS.getAndIncrement()).start(subscriber::deliver);
        return subscriber;
    }

    private final class Subscriber implements GenerationJob.Subscription {

        private final Consumer<JobEvent> listener;
        private boolean closed;

        Subscriber(Consumer<JobEvent> listener) {
            this.listener = listener;
        }

        private void deliver() {
            try {
                for (Entry entry = next(null, this); entry != null; entry = next(entry, this)) {
                    accept(entry.event());
                }
            } catch (InterruptedException _) {
                close(); // by the listener itself, on its own thread
            }
        }

        private void accept(JobEvent event) {
            try {
                listener.accept(event);
            } catch (Throwable fault) {
                LOGGER.log(
                        System.Logger.Level.WARNING,
                        "a listener of job %s failed on %s"
                                .formatted(job, event.getClass().getSimpleName()),
                        fault);
            }
        }

        @Override
        public void close() {
            synchronized (EventLog.this) {
                closed = true;
                EventLog.this.notifyAll();
            }
        }
    }
}
