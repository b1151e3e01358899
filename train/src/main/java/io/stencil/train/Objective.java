package io.stencil.train;

import io.stencil.train.data.BatchPart;
import io.stencil.train.data.DatasetRow;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/// What a run minimises.
interface Objective extends AutoCloseable {

    /// Tells which rows come next, those of the present batch first, so that they can be read meanwhile.
    void expect(List<DatasetRow> rows);

    /// How many rows to tell beside those of the present batch.
    int ahead();

    /// Adds the gradients of the mean loss of a part of a batch to those of the trainable parameters.
    ///
    /// @param part of a batch whose pictures have one size
    /// @param step of the run, from 0: random numbers that a Template draws follow from it
    /// @param share of the gradients that is added: the part's weight over the batches of one update
    /// @return the mean loss, one number on the device, which is not waited for; owned by the caller's scope
    Tensor accumulate(BatchPart part, long step, double share);

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
