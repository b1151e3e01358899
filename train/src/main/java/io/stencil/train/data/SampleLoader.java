package io.stencil.train.data;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/// Decodes the pictures of rows, ahead of their use where there are threads for it.
///
/// What is decoded is the same with any number of threads. An object belongs to one thread, which asks.
public final class SampleLoader implements AutoCloseable {

    /// Rows that wait for each thread.
    private static final int AHEAD = 2;

    private final Dataset dataset;
    private final int workers;
    private final @Nullable ExecutorService threads;
    private final Map<DatasetRow, Future<TrainingSample>> coming = new HashMap<>();

    /// @param workers threads; 0 decodes where a sample is asked for
    public SampleLoader(Dataset dataset, int workers) {
        this.dataset = dataset;
        this.workers = workers;
        this.threads = workers == 0
                ? null
                : Executors.newFixedThreadPool(
                        workers,
                        Thread.ofPlatform().name("pictures-", 0).daemon().factory());
    }

    /// How many rows it looks ahead.
    public int ahead() {
        return AHEAD * workers;
    }

    /// Tells what will be asked for next. What was expected before and is no more is forgotten.
    ///
    /// @param rows the next ones in their order; those beyond [#ahead] wait
    public void expect(List<DatasetRow> rows) {
        if (threads == null) {
            return;
        }
        List<DatasetRow> next = rows.subList(0, Math.min(rows.size(), ahead()));
        Set<DatasetRow> wanted = new HashSet<>(next);
        coming.entrySet().removeIf(one -> {
            boolean forgotten = !wanted.contains(one.getKey());
            if (forgotten) {
                one.getValue().cancel(false);
            }
            return forgotten;
        });
        for (DatasetRow row : next) {
            coming.computeIfAbsent(row, one -> threads.submit(() -> dataset.load(one)));
        }
    }

    /// The sample of a row, which is waited for when it is on its way.
    ///
    /// @throws io.stencil.error.InvalidFileException naming the row when a picture cannot be decoded or is too small
    public TrainingSample load(DatasetRow row) {
        Future<TrainingSample> sample = coming.get(row);
        if (sample == null) {
            return dataset.load(row);
        }
        try {
            return sample.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new CompletionException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while a picture was decoded");
        }
    }

    @Override
    public void close() {
        if (threads != null) {
            threads.shutdownNow();
        }
        coming.clear();
    }
}
