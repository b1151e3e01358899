package io.stencil.train;

import io.stencil.train.log.TrainingListener;
import io.stencil.train.optim.WeightAverage;
import io.stencil.train.options.OutputOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The checkpoints of one run: `epoch-N.safetensors` at each epoch's end, or, where an interval is given,
/// `step-N.safetensors` at each interval and at the end. Where the length of the run is counted in steps and no
/// interval is given, `step-N.safetensors` at the end alone.
///
/// With an average of the weights it is the average that is saved; `NAME.raw.safetensors` beside it has the weights
/// themselves where that is asked for.
final class CheckpointSeries {

    /// What is saved and how.
    ///
    /// @param average in the place of the weights, or null
    /// @param preparation done before each file is written, with the weights in place that it gets
    record Content(TrainedTensors tensors, @Nullable WeightAverage average, Runnable preparation) {}

    private final Content content;
    private final OutputOptions output;
    private final boolean everyEpoch;
    private final TrainingListener listener;
    private final List<Path> written = new ArrayList<>();
    private long savedAt = -1;

    /// @param everyEpoch whether to save at each epoch's end where no interval is given
    CheckpointSeries(Content content, OutputOptions output, boolean everyEpoch, TrainingListener listener) {
        this.content = content;
        this.output = output;
        this.everyEpoch = everyEpoch;
        this.listener = listener;
    }

    void afterStep(long step) {
        if (output.saveSteps() != null && step % output.saveSteps() == 0) {
            write("step-" + step, step);
        }
    }

    /// @param epoch from 0
    void afterEpoch(int epoch, long step) {
        if (output.saveSteps() == null && everyEpoch) {
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
        if (output.saveRawWeights()) {
            writeFile(name + ".raw.safetensors", step);
        }
        if (content.average() == null) {
            writeFile(name + ".safetensors", step);
        } else {
            content.average().apply(() -> writeFile(name + ".safetensors", step));
        }
        savedAt = step;
    }

    private void writeFile(String name, long step) {
        Path file = output.folder().resolve(name);
        content.preparation().run();
        content.tensors().write(file, step);
        written.add(file);
        listener.onCheckpoint(file);
    }
}
