package io.stencil.train.data;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Reads what belongs to rows, ahead of its use where there are threads for it: pictures are decoded, or files of
/// encoded samples opened, while the models compute.
///
/// What is read is the same with any number of threads, as long as it follows from the row. One thread tells what to
/// expect; any may ask.
///
/// @param <V> what belongs to a row; this object owns it
public final class Prefetch<V> implements AutoCloseable {

    /// Rows that wait for each thread.
    private static final int AHEAD = 2;

    private final Function<DatasetRow, V> reading;
    private final Consumer<V> freeing;
    private final int workers;
    private final @Nullable ExecutorService threads;
    private final Map<DatasetRow, CompletableFuture<V>> coming = new ConcurrentHashMap<>();
    private volatile Set<DatasetRow> wanted = Set.of();

    /// @param reading runs on several threads
    /// @param freeing what is no more expected
    /// @param workers threads; 0 reads where a value is asked for
    public Prefetch(Function<DatasetRow, V> reading, Consumer<V> freeing, int workers) {
        this.reading = reading;
        this.freeing = freeing;
        this.workers = workers;
        this.threads = workers == 0
                ? null
                : Executors.newFixedThreadPool(
                        workers, Thread.ofPlatform().name("rows-", 0).daemon().factory());
    }

    /// Of values that need not be freed.
    public Prefetch(Function<DatasetRow, V> reading, int workers) {
        this(reading, _ -> {}, workers);
    }

    /// How many rows it wants to know behind those that are used next.
    public int ahead() {
        return AHEAD * workers;
    }

    /// Tells what will be asked for next: what is used now, and [#ahead] rows behind it. What was read for other rows
    /// is freed.
    public void expect(List<DatasetRow> rows) {
        wanted = Set.copyOf(rows);
        coming.entrySet().removeIf(one -> {
            boolean forgotten = !wanted.contains(one.getKey());
            if (forgotten) {
                forget(one.getValue());
            }
            return forgotten;
        });
        if (threads != null) {
            for (DatasetRow row : rows) {
                coming.computeIfAbsent(row, one -> CompletableFuture.supplyAsync(() -> readWanted(one), threads));
            }
        }
    }

    private V readWanted(DatasetRow row) {
        if (!wanted.contains(row)) {
            throw new CancellationException("the row is not expected any more");
        }
        return reading.apply(row);
    }

    /// Also what is being read just now is freed, then.
    private void forget(CompletableFuture<V> value) {
        var _ = value.thenAccept(freeing);
    }

    /// What belongs to a row; it is waited for when it is on its way. It stays until [#expect] is told rows without
    /// this one.
    ///
    /// @throws io.stencil.error.StencilException when it cannot be read
    public V get(DatasetRow row) {
        try {
            return coming.computeIfAbsent(row, one -> CompletableFuture.completedFuture(reading.apply(one)))
                    .get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) { // such as no memory
                throw cause;
            }
            throw new CompletionException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while a row was read");
        }
    }

    /// Waits for what is being read just now.
    @Override
    public void close() {
        if (threads != null) {
            threads.shutdownNow();
            threads.close();
        }
        coming.values().forEach(this::forget);
        coming.clear();
    }
}
