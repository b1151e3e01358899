package io.stencil.train.resume;

import java.util.Map;

/// How far a run has come: all of its state that is not a tensor.
///
/// What follows from these numbers is not stored: epoch and place in the data from the steps, the learning rate from
/// the updates, the order of the data from the seed.
///
/// @param step steps that are done
/// @param updates of the weights that are done
/// @param seed of noise, timesteps, caption dropout and data order
/// @param captionDraws decisions of caption dropout that were made
/// @param averageUpdates that the average of the weights took in; 0 without one
/// @param parameterUpdates what the optimizer has counted for each parameter, by full name
/// @param lastLoss of the last step
/// @param seconds that training took
public record Progress(
        long step,
        long updates,
        long seed,
        long captionDraws,
        long averageUpdates,
        Map<String, Long> parameterUpdates,
        double lastLoss,
        double seconds) {

    public Progress {
        parameterUpdates = Map.copyOf(parameterUpdates);
    }
}
