package io.stencil.train;

import java.nio.file.Path;
import java.util.List;

/// Reports the outcome of a training run.
///
/// @param steps that were done
/// @param interrupted true when [Trainer#requestStop] ended the run before its time
/// @param lastLoss loss of the last sample; NaN when there was none
/// @param checkpoints in the order in which they were written
public record TrainingResult(long steps, boolean interrupted, double lastLoss, List<Path> checkpoints) {

    public TrainingResult {
        checkpoints = List.copyOf(checkpoints);
    }
}
