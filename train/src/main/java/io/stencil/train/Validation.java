package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.train.HeldOutMeasurement.Measured;
import io.stencil.train.events.StepAction;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.Stage;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.options.ValidationOptions;
import io.stencil.train.validation.BestValidation;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Measures held-out rows between steps, and decides which weights are the best so far and whether the run ends early.
///
/// With an average of the weights it is the average that counts, as it is what a checkpoint holds; of the weights
/// themselves the loss alone is measured.
final class Validation implements StepAction, AutoCloseable {

    private final ValidationOptions options;
    private final HeldOutMeasurement measurement;
    private final TrainState state;
    private final TrainingListener listener;
    private final String identity;

    /// @param state of the run, which keeps the best validation
    /// @param measurement which this object closes
    /// @param group whose processes measure the same rows
    Validation(
            ValidationOptions options,
            HeldOutMeasurement measurement,
            TrainState state,
            ProcessGroup group,
            TrainingListener listener) {
        this.options = options;
        this.measurement = measurement;
        this.state = state;
        this.listener = listener;
        this.identity = measurement.identity();
        if (group.size() > 1) {
            group.requireAlike("validation_metadata_path", identity + options.steps() + options.earlyStop());
        }
    }

    /// Makes the validation of a run, or null where it holds out no rows.
    static @Nullable Validation of(
            TrainOptions options,
            TrainingData data,
            TrainModels models,
            TrainState state,
            ProcessGroup group,
            TrainingListener listener) {
        if (data.heldOut() == null) {
            return null;
        }
        boolean isBaseFrozen =
                state.parts().parameters().keySet().stream().allMatch(name -> name.startsWith("pipe.template_model."));
        HeldOutMeasurement measurement =
                measurement(options, data.heldOut(), models, state.seed(), isBaseFrozen, group);
        try {
            return new Validation(options.validation(), measurement, state, group, listener);
        } catch (RuntimeException | Error e) {
            measurement.close();
            throw e;
        }
    }

    /// Makes the measurement of the loss that a run minimises.
    ///
    /// @param heldOut rows to measure
    /// @param models stay the caller's; `group` likewise
    /// @param isBaseFrozen whether the losses without the Template stay the same
    static HeldOutMeasurement measurement(
            TrainOptions options,
            TrainingData heldOut,
            TrainModels models,
            long seed,
            boolean isBaseFrozen,
            ProcessGroup group) {
        return options.task() == Task.VAE
                ? new ReconstructionMeasurement(
                        options, heldOut, models.pipeline().models(), seed, group)
                : new FlowMatchingMeasurement(options, heldOut, models, seed, isBaseFrozen, group);
    }

    @Override
    public Decision run(Moment moment) {
        boolean isDue = options.steps() == null ? moment.step() == 0 || moment.last() : moment.isDue(options.steps());
        return isDue ? validate(moment.step()) : Decision.NONE;
    }

    /// A state that a failure of the validation has left lacks it. What an earlier version saved is not measured again.
    @Override
    public Decision resume(Moment moment) {
        boolean isMissing = before().last() >= 0 && before().last() < moment.step();
        return isMissing ? run(moment) : Decision.NONE;
    }

    private Decision validate(long step) {
        long began = System.nanoTime();
        int parts = measurement.parts() + (state.hasAverage() ? measurement.ownRows() : 0);
        AtomicInteger done = new AtomicInteger();
        Runnable progress = () -> listener.onStage(Stage.VALIDATION, done.incrementAndGet(), parts);
        listener.onStage(Stage.VALIDATION, 0, parts);
        Measured whole;
        ValidationLoss weights;
        if (state.hasAverage()) {
            weights = measurement.loss(progress);
            AtomicReference<Measured> averaged = new AtomicReference<>();
            state.withAverage(() -> averaged.set(measurement.measure(progress)));
            whole = averaged.get();
        } else {
            whole = measurement.measure(progress);
            weights = whole.loss();
        }
        boolean atInterval = options.steps() != null && step % options.steps() == 0;
        BestValidation best = before().after(step, whole.loss().mean(), atInterval);
        state.setValidation(best);
        listener.onValidation(new ValidationReport(
                step,
                measurement.rows(),
                weights,
                state.hasAverage() ? whole.loss() : null,
                whole.gain(),
                best.step(),
                best.loss(),
                (System.nanoTime() - began) / 1e9));
        return new Decision(options.keepBest() != null && best.step() == step, isOver());
    }

    /// The best validation of the same rows with the same noise: other losses cannot be compared.
    private BestValidation before() {
        BestValidation best = state.validation();
        return best.identity().equals(identity) ? best : BestValidation.none(identity);
    }

    /// Whether the last validations had no loss below the best before them.
    @Override
    public boolean isOver() {
        return options.earlyStop() != null && before().since() >= options.earlyStop();
    }

    @Override
    public void close() {
        measurement.close();
    }
}
