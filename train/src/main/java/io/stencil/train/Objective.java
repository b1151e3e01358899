package io.stencil.train;

import io.stencil.train.data.DatasetRow;
import java.util.List;

/// What a run minimises.
interface Objective extends AutoCloseable {

    /// Adds the gradients of the mean loss of a batch to those of the trainable parameters.
    ///
    /// @param batch rows whose pictures have one size
    /// @param share of the gradients that is added: 1 over the batches of one update
    /// @return the mean loss
    double accumulate(List<DatasetRow> batch, double share);

    @Override
    void close();
}
