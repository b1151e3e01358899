package io.stencil.train;

import io.stencil.train.data.DatasetRow;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// What a run minimises.
interface Objective extends AutoCloseable {

    /// Adds the gradients of the mean loss of a batch to those of the trainable parameters.
    ///
    /// @param batch rows whose pictures have one size
    /// @param share of the gradients that is added: 1 over the batches of one update
    /// @return the mean loss
    double accumulate(List<DatasetRow> batch, double share);

    /// Where its random numbers are. The tensor is owned by the caller's scope.
    Randomness randomness();

    /// Draws on from there.
    void restore(Randomness randomness);

    /// Sources of random numbers.
    ///
    /// @param noise state of the generator of timesteps and noise
    /// @param captionDraws decisions of caption dropout so far
    record Randomness(Tensor noise, long captionDraws) {}

    @Override
    void close();
}
