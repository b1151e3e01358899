package io.stencil.train;

import io.stencil.tensor.Scope;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.checkpoint.SavedState.Progress;
import io.stencil.train.checkpoint.TrainedTensors;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.options.OutputOptions;
import io.stencil.train.options.TrainOptions;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/// Saves the checkpoints of a run in `checkpoints/`: `epoch-N.safetensors` at each epoch's end, or, where an interval
/// is given, `step-N.safetensors` at each interval and at the end. Where the length of the run is counted in steps
/// and no interval is given, `step-N.safetensors` at the end alone.
///
/// With an average of the weights it is the average that is saved; `--save_raw_weights` saves the weights themselves
/// beside it, in `NAME.raw.safetensors`. A LoRA that is trained beside a model is in `NAME.lora.safetensors`. After the
/// weights the state of the run is saved, from which it can resume.
final class Checkpoints {

    /// Writes the state of a run beside its checkpoints and removes those that are too old.
    @FunctionalInterface
    interface StateWriter {
        void write(Progress progress, Map<String, Tensor> tensors);
    }

    private final OutputOptions output;
    private final boolean everyEpoch;
    private final TrainState state;
    private final TrainedTensors tensors;
    private final Objective objective;
    private final DataParallel parallel;
    private final StateWriter states;
    private final TrainingListener listener;
    private final Set<Path> written = new LinkedHashSet<>();
    private long savedAt;

    /// @param state of the run, whose present step is saved already
    /// @param parallel the processes of the run, of which the first alone writes
    Checkpoints(
            TrainOptions options,
            TrainState state,
            Objective objective,
            DataParallel parallel,
            StateWriter states,
            TrainingListener listener) {
        this.output = options.output();
        this.everyEpoch = options.optimisation().maxSteps() == null;
        this.state = state;
        this.tensors = new TrainedTensors(state.parts(), output);
        this.objective = objective;
        this.parallel = parallel;
        this.states = states;
        this.listener = listener;
        this.savedAt = state.step();
    }

    void afterStep() {
        if (output.saveSteps() != null && state.step() % output.saveSteps() == 0) {
            save("step-" + state.step());
        }
    }

    /// @param epoch from 0
    void afterEpoch(int epoch) {
        if (output.saveSteps() == null && everyEpoch) {
            save("epoch-" + epoch);
        }
    }

    /// Saves the present weights as `best.safetensors`, in place of earlier ones.
    void saveBest() {
        if (parallel.group().isFirst()) {
            writeFiles("best", state.step());
        }
    }

    /// Saves a checkpoint unless one of this step is written.
    void atEnd() {
        if (savedAt != state.step()) {
            save("step-" + state.step());
        }
    }

    /// Saves weights and state of the moment before the run failed, unless they are saved already. The other
    /// processes may be gone, so that the first alone saves. The state comes first: the run resumes from it, and the
    /// preparation of a checkpoint may meet the failure again.
    ///
    /// @param recovery moment where no update was half done
    /// @throws io.stencil.error.InvalidRequestException when a value is not finite; nothing is written then
    void afterFailure(TrainState.Snapshot recovery) {
        if (!parallel.group().isFirst()) {
            return;
        }
        long step = recovery.progress().step();
        boolean unsaved = savedAt < step;
        try {
            if (unsaved) {
                state.clearGradients();
                state.requireFinite(recovery, savedAt);
                writeState(recovery);
                savedAt = step;
            }
        } finally {
            nameNewestState();
        }
        if (unsaved) {
            writeFiles("step-" + step, step);
        }
    }

    /// Reports the newest state from which a run that has failed can resume, if there is one.
    void nameNewestState() {
        if (savedAt > 0) {
            listener.onFailure(output.folder(), savedAt);
        }
    }

    List<Path> written() {
        return List.copyOf(written);
    }

    private void save(String name) {
        parallel.beforeSaving();
        if (parallel.group().isFirst()) {
            listener.onStage(Stage.SAVING, 0, 0);
            try (TrainState.Snapshot now = state.snapshot()) {
                state.requireFinite(now, savedAt);
            }
            writeFiles(name, state.step());
            try (TrainState.Snapshot now = state.snapshot()) { // anew: random numbers may have been drawn since
                writeState(now);
            }
        }
        savedAt = state.step();
    }

    private void writeState(TrainState.Snapshot snapshot) {
        try (Scope _ = new Scope()) {
            states.write(snapshot.progress(), state.tensors(snapshot));
        }
        listener.onSaved(snapshot.progress().step());
    }

    private void writeFiles(String name, long step) {
        if (output.saveRawWeights()) {
            writeFile(name + ".raw.safetensors", step);
        }
        state.withAverage(() -> writeFile(name + ".safetensors", step));
    }

    private void writeFile(String name, long step) {
        Path file = new RunFolder(output.folder()).checkpoints().resolve(name);
        objective.beforeSaving();
        for (Path path : tensors.write(file, step)) {
            written.add(path);
            listener.onCheckpoint(path, step);
        }
    }
}
