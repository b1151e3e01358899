package io.stencil.train;

import java.nio.file.Path;
import java.util.List;

/// Receives the events of a training run, on the thread that trains.
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

    /// Notifies all, in their order.
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

    /// One training step: one sample through the models.
    ///
    /// @param step from 1
    /// @param steps of the whole run
    /// @param epoch from 0
    /// @param loss of this sample
    /// @param learningRate of the update that the sample counts towards
    /// @param seconds since training began
    record StepReport(long step, long steps, int epoch, double loss, double learningRate, double seconds) {}

    /// What a training run is about to do.
    ///
    /// @param steps of all epochs together
    /// @param rows of the dataset, before they are repeated
    /// @param trainableTensors that are trained
    /// @param trainableParameters numbers in them
    /// @param seed of timesteps, noise and data order
    /// @param doneSteps of an earlier process, which the run goes on after
    record TrainingStart(
            long steps, int rows, int trainableTensors, long trainableParameters, long seed, long doneSteps) {}
}
