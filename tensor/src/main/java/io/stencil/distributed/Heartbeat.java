package io.stencil.distributed;

import io.stencil.distributed.TorchProcessGroup.Rendezvous;
import io.stencil.error.ProcessGroupException;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Reports every second to the others that this process lives, and learns which of them does not.
///
/// Rank 0 watches all others and rank 1 watches rank 0; whoever finds one silent writes it into the store, where all
/// read it. A process that fails in order writes itself down. When the store does not answer, the process that holds it
/// is gone.
final class Heartbeat implements AutoCloseable {

    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /// Silence that is death. A paused process, or one whose machine is busy with something else, gets this long.
    private static final Duration SILENCE = Duration.ofSeconds(15);

    /// Silence that is death when a connection broke already, and only the number is wanted.
    private static final Duration SILENCE_AFTER_FAULT = Duration.ofSeconds(4);

    /// How long to look for the number of a process that broke its connection.
    private static final Duration SEARCH = Duration.ofSeconds(12);

    /// For the others to read what a process that holds the store has written.
    private static final Duration FAREWELL = Duration.ofSeconds(3);

    private static final String GONE = "gone";
    private static final String CLAIM = "gone.claim";
    private static final String REASON = "gone.reason";

    private final Rendezvous store;
    private final ProcessEnvironment environment;
    private final int[] watched;
    private final long[] beats;
    private final long[] heardAt;
    private final Thread thread;
    private volatile long answeredAt = System.nanoTime();
    private volatile boolean suspicious;
    private volatile boolean closed;
    private volatile @Nullable String gone;
    private boolean lingers;

    /// @param store a connection that nobody else uses; it is closed with this
    Heartbeat(Rendezvous store, ProcessEnvironment environment) {
        this.store = store;
        this.environment = environment;
        this.watched = environment.rank() == 0
                ? IntStream.range(1, environment.worldSize()).toArray()
                : environment.rank() == 1 ? new int[1] : new int[0];
        this.beats = new long[watched.length];
        this.heardAt = new long[watched.length];
        Arrays.fill(heardAt, System.nanoTime());
        this.thread = Thread.ofPlatform().daemon().name("heartbeat").unstarted(this::beat);
    }

    void start() {
        thread.start();
    }

    private static String key(int rank) {
        return "beat/" + rank;
    }

    private void beat() {
        try {
            while (!closed) {
                store.add(key(environment.rank()), 1);
                watch();
                if (store.read(GONE) > 0 && gone == null) {
                    gone = store.text(REASON);
                }
                answeredAt = System.nanoTime();
                Thread.sleep(INTERVAL);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // closed
        } catch (RuntimeException e) {
            if (gone == null) {
                gone = storeIsGone();
            }
        }
    }

    private String storeIsGone() {
        ProcessEnvironment.Meeting meeting = environment.meeting();
        return meeting != null && meeting.hostedElsewhere()
                ? "the process that started the ranks (at MASTER_ADDR) does not answer any more"
                : "rank 0 has ended or died: it does not answer any more";
    }

    private void watch() {
        long now = System.nanoTime();
        Duration bound = suspicious ? SILENCE_AFTER_FAULT : SILENCE;
        for (int i = 0; i < watched.length; i++) {
            long count = store.read(key(watched[i]));
            if (count != beats[i]) {
                beats[i] = count;
                heardAt[i] = now;
            } else if (now - heardAt[i] > bound.toNanos()) {
                declare("rank %s has died: no sign of life for %s s".formatted(watched[i], bound.toSeconds()));
            }
        }
    }

    /// The first to be written stays.
    private void declare(String reason) {
        if (store.add(CLAIM, 1) == 1) {
            store.write(REASON, reason);
            store.add(GONE, 1);
        }
    }

    /// Throws once one of the processes is known to be gone.
    void check() {
        String reason = gone;
        if (reason == null && System.nanoTime() - answeredAt > SILENCE.toNanos()) {
            reason = storeIsGone();
        }
        if (reason != null) {
            throw fault(reason, null);
        }
    }

    /// Finds out who is gone, after a connection broke.
    ProcessGroupException explain(RuntimeException broken) {
        suspicious = true;
        long began = System.nanoTime();
        try {
            while (gone == null && System.nanoTime() - began < SEARCH.toNanos()) {
                Thread.sleep(50);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        String reason = gone;
        return fault(
                reason == null ? "a connection between ranks broke: " + Rendezvous.firstLine(broken) : reason, broken);
    }

    private ProcessGroupException fault(String reason, @Nullable Throwable cause) {
        lingers = true;
        return new ProcessGroupException(
                "rank %s stops, because %s; the last checkpoint stays: go on from it with --resume"
                        .formatted(environment.rank(), reason),
                cause);
    }

    /// Lets the others know that this process fails.
    void report(String reason) {
        lingers = true;
        try {
            declare(reason);
        } catch (RuntimeException _) {
            gone = storeIsGone(); // nobody is there to be notified
        }
    }

    @Override
    public void close() {
        try {
            if (lingers && environment.rank() == 0) {
                Thread.sleep(FAREWELL);
            }
            closed = true;
            thread.interrupt();
            thread.join(INTERVAL);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        if (!thread.isAlive()) {
            store.close();
        }
    }
}
