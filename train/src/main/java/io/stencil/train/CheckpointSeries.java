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
/// themselves where that is asked for. Behind the weights comes the state of the run, from which it can go on.
final class CheckpointSeries {

    /// What is saved and how.
    ///
    /// @param average in the place of the weights, or null
    /// @param preparation done before each file is written, with the weights in place that it gets
    /// @param state of the run
    /// @param parallel the processes of the run, of which the first alone writes
    record Content(
            TrainedTensors tensors,
            @Nullable WeightAverage average,
            Runnable preparation,
            RunState state,
            DataParallel parallel) {}

    private final Content content;
    private final OutputOptions output;
    private final boolean everyEpoch;
    private final TrainingListener listener;
    private final List<Path> written = new ArrayList<>();
    private long savedAt;

    /// @param everyEpoch whether to save at each epoch's end where no interval is given
    /// @param doneSteps that are saved already
    CheckpointSeries(
            Content content, OutputOptions output, boolean everyEpoch, long doneSteps, TrainingListener listener) {
        this.content = content;
        this.output = output;
        this.everyEpoch = everyEpoch;
        this.savedAt = doneSteps;
        this.listener = listener;
    }

    /// Captures the random number generators of the run. The caller closes the result.
    RandomState random() {
        return content.state().random();
    }

    void afterStep(Position position) {
        if (output.saveSteps() != null && position.step() % output.saveSteps() == 0) {
            write("step-" + position.step(), position);
        }
    }

    /// @param epoch from 0
    void afterEpoch(int epoch, Position position) {
        if (output.saveSteps() == null && everyEpoch) {
            write("epoch-" + epoch, position);
        }
    }

    /// Saves what was learned since the last checkpoint, if anything.
    void atEnd(Position position) {
        if (savedAt != position.step()) {
            write("step-" + position.step(), position);
        }
    }

    /// Saves what was learned up to a position after which the run has failed, unless that is saved already. The other
    /// processes may be gone, so that the first alone saves. The state comes first: it is what the run goes on from,
    /// and the preparation of a checkpoint may meet the failure again.
    ///
    /// @param position where no update is half done
    /// @param random generators at that position
    /// @throws io.stencil.error.InvalidRequestException when what was learned is not finite; nothing is written then
    void afterFailure(Position position, RandomState random) {
        if (!content.parallel().group().isFirst()) {
            return;
        }
        boolean unsaved = savedAt < position.step();
        try {
            if (unsaved) {
                content.state().clearGradients();
                content.state().requireFinite(position.step(), savedAt);
                content.state().write(position, random);
                listener.onSaved(position.step());
                savedAt = position.step();
            }
        } finally {
            nameNewestState();
        }
        if (unsaved) {
            writeFiles("step-" + position.step(), position.step());
        }
    }

    /// Names the state that a run which has failed can go on from, if there is one.
    void nameNewestState() {
        if (savedAt > 0) {
            listener.onFailure(output.folder(), savedAt);
        }
    }

    List<Path> written() {
        return List.copyOf(written);
    }

    private void write(String name, Position position) {
        long step = position.step();
        content.parallel().beforeSaving();
        if (content.parallel().group().isFirst()) {
            content.state().requireFinite(step, savedAt);
        }
        if (content.parallel().group().isFirst()) {
            writeFiles(name, step);
            content.state().write(position);
            listener.onSaved(step);
        }
        savedAt = step;
    }

    private void writeFiles(String name, long step) {
        if (output.saveRawWeights()) {
            writeFile(name + ".raw.safetensors", step);
        }
        if (content.average() == null) {
            writeFile(name + ".safetensors", step);
        } else {
            content.average().apply(() -> writeFile(name + ".safetensors", step));
        }
    }

    private void writeFile(String name, long step) {
        Path file = output.folder().resolve(name);
        content.preparation().run();
        content.tensors().write(file, step);
        written.add(file);
        listener.onCheckpoint(file);
    }
}
