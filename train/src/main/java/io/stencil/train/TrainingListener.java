package io.stencil.train;

import java.nio.file.Path;
import java.util.List;

/// Receives the events of a training run, on the thread that trains.
public interface TrainingListener {

    /// Ignores all events.
    TrainingListener NONE = new TrainingListener() {};

    /// Models and data are loaded and checked; training begins.
    default void onStart(TrainingStart start) {}

    /// A step is done.
    default void onStep(StepReport report) {}

    /// A checkpoint is written.
    default void onCheckpoint(Path file) {}

    /// A step has failed; an exception follows. Weights and state of the moment before it are saved: `--resume` goes on
    /// from there.
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

    /// Passes each event to all listeners, in their order.
    static TrainingListener all(List<TrainingListener> listeners) {
        List<TrainingListener> all = List.copyOf(listeners);
        return new TrainingListener() {
            @Override
            public void onStart(TrainingStart start) {
                all.forEach(listener -> listener.onStart(start));
            }

            @Override
            public void onStep(StepReport report) {
                all.forEach(listener -> listener.onStep(report));
            }

            @Override
            public void onCheckpoint(Path file) {
                all.forEach(listener -> listener.onCheckpoint(file));
            }

            @Override
            public void onFailure(Path folder, long savedSteps) {
                all.forEach(listener -> listener.onFailure(folder, savedSteps));
            }

            @Override
            public void onSaved(long step) {
                all.forEach(listener -> listener.onSaved(step));
            }

            @Override
            public void onWarning(String message) {
                all.forEach(listener -> listener.onWarning(message));
            }
        };
    }

    /// Reports one training step: one batch through the models.
    ///
    /// @param step from 1
    /// @param steps of the whole run
    /// @param epoch from 0
    /// @param loss mean of the batch, over all processes
    /// @param learningRate of the update that the step counts towards
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
