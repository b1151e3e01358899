package io.stencil.train;

import io.stencil.train.log.TrainingListener;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The checkpoints of one run: `epoch-N.safetensors` at each epoch's end, or, where an interval is given,
/// `step-N.safetensors` at each interval and at the end.
final class CheckpointSeries {

    private final TrainedTensors tensors;
    private final Path folder;
    private final @Nullable Integer saveSteps;
    private final TrainingListener listener;
    private final List<Path> written = new ArrayList<>();
    private long savedAt = -1;

    /// @param saveSteps steps between checkpoints, or null for one an epoch
    CheckpointSeries(TrainedTensors tensors, Path folder, @Nullable Integer saveSteps, TrainingListener listener) {
        this.tensors = tensors;
        this.folder = folder;
        this.saveSteps = saveSteps;
        this.listener = listener;
    }

    void afterStep(long step) {
        if (saveSteps != null && step % saveSteps == 0) {
            write("step-" + step, step);
        }
    }

    /// @param epoch from 0
    void afterEpoch(int epoch, long step) {
        if (saveSteps == null) {
            write("epoch-" + epoch, step);
        }
    }

    /// Saves what was learned since the last checkpoint, if anything.
    void atEnd(long step) {
        if (step > 0 && savedAt != step) {
            write("step-" + step, step);
        }
    }

    List<Path> written() {
        return List.copyOf(written);
    }

    private void write(String name, long step) {
        Path file = folder.resolve(name + ".safetensors");
        tensors.write(file, step);
        savedAt = step;
        written.add(file);
        listener.onCheckpoint(file);
    }
}
