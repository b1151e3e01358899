package io.stencil.train;

import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.DatasetRow;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// Computes the loss that a run minimises.
interface Objective extends AutoCloseable {

    /// Announces upcoming rows for prefetching, those of the present batch first.
    void expect(List<DatasetRow> rows);

    /// How many rows to announce beside those of the present batch.
    int ahead();

    /// Adds the gradients of the mean loss of a process's rows of a batch to those of the trainable parameters.
    ///
    /// @param batch whose images have one size
    /// @param step of the run, from 0: random numbers that a Template draws follow from it
    /// @param share of the gradients that is added: the weight of these rows over the batches of one update
    /// @return the mean loss, one number on the device, which is not waited for; owned by the caller's scope
    Tensor accumulate(BatchSampler.LocalBatch batch, long step, double share);

    /// Completes what is saved beside the trained weights. It is called before each file of a checkpoint is written,
    /// with the weights in place that the file gets.
    default void beforeSaving() {}

    @Override
    void close();
}
