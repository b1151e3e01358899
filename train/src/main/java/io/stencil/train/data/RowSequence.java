package io.stencil.train.data;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// The rows that one of several processes works on, batch by batch, epoch by epoch.
public final class RowSequence {

    private final Dataset dataset;
    private final BatchPlan plan;
    private final int rank;
    private final int processes;
    private final TreeMap<Integer, List<List<Integer>>> epochs = new TreeMap<>();

    /// @param plan of the batches of all processes together
    /// @param rank of the process
    /// @param processes that share the batches
    public RowSequence(Dataset dataset, BatchPlan plan, int rank, int processes) {
        this.dataset = dataset;
        this.plan = plan;
        this.rank = rank;
        this.processes = processes;
    }

    /// Batches of an epoch.
    public int length() {
        return plan.epochLength();
    }

    /// The process's part of a batch.
    ///
    /// @param epoch not before any that was asked for
    /// @param batch of that epoch, from 0
    public BatchPart part(int epoch, int batch) {
        epochs.headMap(epoch).clear();
        return at(epoch, batch);
    }

    private BatchPart at(int epoch, int batch) {
        return BatchPart.of(batch(epoch, batch), rank, processes);
    }

    /// The rows of a batch of all processes together.
    ///
    /// @param epoch not before any that was asked for
    /// @param batch of that epoch, from 0
    public List<DatasetRow> batch(int epoch, int batch) {
        return epochs.computeIfAbsent(epoch, plan::epoch).get(batch).stream()
                .map(dataset.rows()::get)
                .toList();
    }

    /// The process's next rows, in their order, by whole batches.
    ///
    /// @param epoch of the batch that they begin with
    /// @param batch of that epoch
    /// @param batches that are left of the run
    /// @param rows as many at least, where there are
    public List<DatasetRow> from(int epoch, int batch, long batches, int rows) {
        List<DatasetRow> next = new ArrayList<>();
        int length = length();
        for (long i = 0; i < batches && next.size() < rows; i++) {
            long place = batch + i;
            next.addAll(at(epoch + Math.toIntExact(place / length), Math.toIntExact(place % length))
                    .rows());
        }
        return next;
    }
}
