package io.stencil.train.events;

import io.stencil.image.ImageSize;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.validation.ValidationReport;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Receives the events of a training run, on the thread that trains.
public interface TrainingListener {

    /// Ignores all events.
    TrainingListener NONE = new TrainingListener() {};

    /// Models and data are loaded and checked; training begins.
    default void onStart(TrainingStart start) {}

    /// A step is done.
    default void onStep(StepReport report) {}

    /// A stage goes on.
    ///
    /// @param done parts of the stage; 0 when it begins
    /// @param total parts of the stage; 0 where they are not counted
    default void onStage(Stage stage, int done, int total) {}

    /// Held-out rows are measured.
    default void onValidation(ValidationReport report) {}

    /// Sample images are written.
    default void onSamples(SamplesReport report) {}

    /// A checkpoint is written.
    ///
    /// @param step after which it has the weights
    default void onCheckpoint(Path file, long step) {}

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

    /// The run is over: no other event follows. A failure before the first step is not reported.
    default void onEnd(RunEnd end) {}

    /// Passes each event to all listeners, in their order. One that fails keeps no event from the others.
    static TrainingListener all(List<TrainingListener> listeners) {
        List<TrainingListener> all = List.copyOf(listeners);
        return new TrainingListener() {
            private void each(Consumer<TrainingListener> event) {
                Throwable failure = null;
                for (TrainingListener listener : all) {
                    try {
                        event.accept(listener);
                    } catch (RuntimeException | Error e) {
                        if (failure == null) {
                            failure = e;
                        } else {
                            failure.addSuppressed(e);
                        }
                    }
                }
                if (failure instanceof Error error) {
                    throw error;
                }
                if (failure instanceof RuntimeException exception) {
                    throw exception;
                }
            }

            @Override
            public void onStart(TrainingStart start) {
                each(listener -> listener.onStart(start));
            }

            @Override
            public void onStep(StepReport report) {
                each(listener -> listener.onStep(report));
            }

            @Override
            public void onStage(Stage stage, int done, int total) {
                each(listener -> listener.onStage(stage, done, total));
            }

            @Override
            public void onValidation(ValidationReport report) {
                each(listener -> listener.onValidation(report));
            }

            @Override
            public void onSamples(SamplesReport report) {
                each(listener -> listener.onSamples(report));
            }

            @Override
            public void onCheckpoint(Path file, long step) {
                each(listener -> listener.onCheckpoint(file, step));
            }

            @Override
            public void onFailure(Path folder, long savedSteps) {
                each(listener -> listener.onFailure(folder, savedSteps));
            }

            @Override
            public void onSaved(long step) {
                each(listener -> listener.onSaved(step));
            }

            @Override
            public void onWarning(String message) {
                each(listener -> listener.onWarning(message));
            }

            @Override
            public void onEnd(RunEnd end) {
                each(listener -> listener.onEnd(end));
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
    /// @param batchSize images of a step, over all processes
    /// @param example a row of the dataset, with Template inputs where the model takes them as they are
    /// @param exampleSize to which its image is brought; null where a run has no images, but their encodings
    record TrainingStart(
            long steps,
            int rows,
            int trainableTensors,
            long trainableParameters,
            long seed,
            long doneSteps,
            int batchSize,
            DatasetRow example,
            @Nullable ImageSize exampleSize) {}

    /// The stages of a run. Encoding, validation, samples and saving interrupt training.
    enum Stage {
        LOADING,
        ENCODING,
        TRAINING,
        VALIDATION,
        SAMPLES,
        SAVING
    }

    /// Reports sample images of one step.
    ///
    /// @param step after which they were generated; 0 before the first
    /// @param folder of the images
    /// @param images in the order of the samples; those that failed are absent
    /// @param sheet one image of all of them, or null where there is none
    /// @param seconds that they took
    record SamplesReport(
            long step,
            Path folder,
            List<SampleImage> images,
            @Nullable Path sheet,
            double seconds) {

        public SamplesReport {
            images = List.copyOf(images);
        }
    }

    /// A sample image.
    ///
    /// @param name of the sample, the same at each step
    /// @param file PNG
    /// @param caption prompt and inputs in a few words
    record SampleImage(String name, Path file, String caption) {}

    /// The end of a run.
    ///
    /// @param step steps that are done
    /// @param message of the failure, or empty
    record RunEnd(Reason reason, long step, double seconds, String message) {

        /// Why a run ended.
        public enum Reason {
            DONE,
            STOPPED,
            EARLY_STOP,
            FAILED
        }
    }
}
