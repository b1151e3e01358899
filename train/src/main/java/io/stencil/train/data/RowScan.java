package io.stencil.train.data;

import io.stencil.error.StencilException;
import io.stencil.train.data.Dataset.BadRow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Reads every row as a training reads it, and collects those that cannot be read: all images are decoded and brought
/// to size, and Template inputs are bound, by the Template's data processor where it has one.
///
/// @param binding of Template inputs, or null where none take part
/// @param threads that read, at least 1
public record RowScan(Dataset dataset, Dataset.@Nullable RowBinding binding, int threads) {

    /// @param chosen by the row's place in the dataset
    /// @param progress gets the count of the rows that are done
    /// @return in the order of the dataset
    public List<BadRow> run(IntPredicate chosen, IntConsumer progress) {
        List<Integer> indices = dataset.indices();
        List<Future<Optional<BadRow>>> pending = new ArrayList<>();
        List<BadRow> bad = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("scan-", 0).daemon().factory())) {
            try {
                for (int row = 0; row < indices.size(); row++) {
                    if (chosen.test(row)) {
                        int at = row;
                        pending.add(pool.submit(() -> read(at, indices.get(at))));
                    }
                }
                for (int done = 0; done < pending.size(); done++) {
                    pending.get(done).get().ifPresent(bad::add);
                    progress.accept(done + 1);
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException("a row could not be scanned", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while rows were scanned", e);
            } finally {
                pool.shutdownNow(); // also where progress ends the scan
            }
        }
        return bad;
    }

    /// Reads one row.
    ///
    /// @return what is wrong with it
    public Optional<BadRow> read(int row) {
        return read(row, dataset.indices().get(row));
    }

    private Optional<BadRow> read(int row, int index) {
        DatasetRow read = dataset.rows().get(row);
        try {
            dataset.read(read, binding);
            return Optional.empty();
        } catch (StencilException e) {
            return Optional.of(new BadRow(index, e.getMessage()));
        }
    }
}
