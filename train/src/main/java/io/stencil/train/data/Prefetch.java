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

/// Prefetches the values of rows on background threads, if there are any: images are decoded, or files of encoded
/// samples opened, while the models compute.
///
/// The values are the same with any number of threads, as long as they follow from the row. One thread announces
/// rows; any may get them.
///
/// @param <V> value of a row, which this object owns
public final class Prefetch<V> implements AutoCloseable {

    /// Rows that wait for each thread.
    private static final int AHEAD = 2;

    private final Function<DatasetRow, V> reading;
    private final Consumer<V> freeing;
    private final int workers;
    private final @Nullable ExecutorService threads;
    private final Map<DatasetRow, CompletableFuture<V>> coming = new ConcurrentHashMap<>();
    private volatile Set<DatasetRow> wanted = Set.of();

    /// @param reading computes the value of a row, on several threads
    /// @param freeing frees the value of a row that is no more expected
    /// @param workers threads; 0 reads a value when it is first got
    public Prefetch(Function<DatasetRow, V> reading, Consumer<V> freeing, int workers) {
        this.reading = reading;
        this.freeing = freeing;
        this.workers = workers;
        this.threads = workers == 0
                ? null
                : Executors.newFixedThreadPool(
                        workers, Thread.ofPlatform().name("rows-", 0).daemon().factory());
    }

    /// Prefetches values that need not be freed.
    public Prefetch(Function<DatasetRow, V> reading, int workers) {
        this(reading, _ -> {}, workers);
    }

    /// Number of rows to announce behind those that are used next.
    public int ahead() {
        return AHEAD * workers;
    }

    /// Announces upcoming rows: those that are used now, and [#ahead] behind them. The values of other rows are freed.
    public void expect(List<DatasetRow> rows) {
        wanted = Set.copyOf(rows);
        coming.entrySet().removeIf(entry -> {
            boolean forgotten = !wanted.contains(entry.getKey());
            if (forgotten) {
                forget(entry.getValue());
            }
            return forgotten;
        });
        if (threads != null) {
            for (DatasetRow row : rows) {
                coming.computeIfAbsent(row, key -> CompletableFuture.supplyAsync(() -> readWanted(key), threads));
            }
        }
    }

    private V readWanted(DatasetRow row) {
        if (!wanted.contains(row)) {
            throw new CancellationException("the row is not expected any more");
        }
        return reading.apply(row);
    }

    /// Frees a value, also one that is still being read.
    private void forget(CompletableFuture<V> value) {
        var _ = value.thenAccept(freeing);
    }

    /// Returns the value of a row, and waits for it while it is being read. It stays until rows without this one are
    /// announced.
    ///
    /// @throws io.stencil.error.StencilException when it cannot be read
    public V get(DatasetRow row) {
        try {
            return coming.computeIfAbsent(row, key -> CompletableFuture.completedFuture(reading.apply(key)))
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

    /// Waits for values that are being read.
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
