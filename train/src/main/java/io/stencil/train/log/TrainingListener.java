package io.stencil.train.log;

import java.nio.file.Path;
import java.util.List;

/// Is told what happens in a training run, on the thread that trains.
public interface TrainingListener {

    /// Hears nothing.
    TrainingListener NONE = new TrainingListener() {};

    /// Models and data are loaded and checked; training begins.
    default void onStart(TrainingStart start) {}

    /// A step is done.
    default void onStep(StepReport report) {}

    /// A checkpoint is written.
    default void onCheckpoint(Path file) {}

    /// A step has failed; an exception follows. What was learned before it is saved: `--resume` goes on from there.
    ///
    /// @param folder of the run
    /// @param savedSteps steps of its newest state
    default void onFailure(Path folder, long savedSteps) {}

    /// A state is on the disk, from which the run can go on.
    ///
    /// @param step after which it is the state
    default void onSaved(long step) {}

    /// Something that a user should know although work goes on.
    default void onWarning(String message) {}

    /// Tells all, in their order.
    static TrainingListener all(List<TrainingListener> listeners) {
        List<TrainingListener> all = List.copyOf(listeners);
        return new TrainingListener() {
            @Override
            public void onStart(TrainingStart start) {
                all.forEach(one -> one.onStart(start));
            }

            @Override
            public void onStep(StepReport report) {
                all.forEach(one -> one.onStep(report));
            }

            @Override
            public void onCheckpoint(Path file) {
                all.forEach(one -> one.onCheckpoint(file));
            }

            @Override
            public void onFailure(Path folder, long savedSteps) {
                all.forEach(one -> one.onFailure(folder, savedSteps));
            }

            @Override
            public void onSaved(long step) {
                all.forEach(one -> one.onSaved(step));
            }

            @Override
            public void onWarning(String message) {
                all.forEach(one -> one.onWarning(message));
            }
        };
    }
}
