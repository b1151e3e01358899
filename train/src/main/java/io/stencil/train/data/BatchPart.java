package io.stencil.train.data;

import java.util.List;

/// The rows of a batch that one of several processes works on.
///
/// A batch with fewer rows than there are processes leaves some without: they work on a row of another with weight 0,
/// so that all processes do the same.
///
/// @param rows of the part, at least one
/// @param before rows of the batch that lie before them
/// @param after rows of the batch that lie after them
/// @param weight of the part's mean in the mean over all processes: 1 where all parts are of one size
public record BatchPart(List<DatasetRow> rows, int before, int after, double weight) {

    public BatchPart {
        rows = List.copyOf(rows);
    }

    /// @param batch of all processes together
    /// @param rank of the process whose part it is
    /// @param processes that share the batch
    public static BatchPart of(List<DatasetRow> batch, int rank, int processes) {
        int size = batch.size();
        int from = bound(size, rank, processes);
        int to = bound(size, rank + 1, processes);
        double weight = (double) (to - from) * processes / size;
        if (from == to) {
            from = Math.min(from, size - 1);
            to = from + 1;
        }
        return new BatchPart(batch.subList(from, to), from, size - to, weight);
    }

    private static int bound(int size, int rank, int processes) {
        return Math.toIntExact((long) size * rank / processes);
    }

    /// Rows of the whole batch.
    public int batchSize() {
        return before + rows.size() + after;
    }
}
