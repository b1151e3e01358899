package io.stencil.train;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.checkpoint.NonFinite;
import io.stencil.train.checkpoint.RunLength;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.events.StepAction;
import io.stencil.train.events.StepAction.Decision;
import io.stencil.train.events.StepAction.Moment;
import io.stencil.train.events.TrainingListener;
import io.stencil.train.events.TrainingListener.RunEnd;
import io.stencil.train.events.TrainingListener.RunEnd.Reason;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.events.TrainingListener.TrainingStart;
import io.stencil.train.optim.GradientClipping;
import io.stencil.train.optim.LearningRateSchedule.RatePlan;
import io.stencil.train.options.OptimisationOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Runs training steps: gradients of a batch, all-reduced and clipped at the end of an update, the update of the
/// weights, and checkpoints.
final class TrainLoop {

    private final TrainState state;
    private final Objective objective;
    private final BatchSampler batches;
    private final DataParallel parallel;
    private final Checkpoints checkpoints;
    private final RunLength length;
    private final RatePlan rates;
    private final @Nullable Double maxGradNorm;
    private final int batchSize;
    private TrainState.@Nullable Snapshot recovery;

    /// All arguments stay the caller's.
    ///
    /// @param state from which the run goes on
    /// @param batches of this process
    TrainLoop(
            OptimisationOptions options,
            TrainState state,
            Objective objective,
            BatchSampler batches,
            DataParallel parallel,
            Checkpoints checkpoints) {
        this.state = state;
        this.objective = objective;
        this.batches = batches;
        this.parallel = parallel;
        this.checkpoints = checkpoints;
        this.length = RunLength.of(options, batches.epochLength());
        this.rates = new RatePlan(
                options.schedule(),
                Objects.requireNonNull(options.learningRate()),
                options.warmupSteps(),
                length.updates());
        this.maxGradNorm = options.maxGradNorm();
        this.batchSize = options.batchSize() * parallel.group().size();
    }

    /// Trains to the end of the run.
    ///
    /// @param example that the start reports, with the size of its image or null, as in [TrainingStart]
    /// @param actions that run between steps, in their order; checkpoints follow them. All processes run them
    /// @param listener whose events are those of the loop; `checkpoints` report their own
    /// @param stop whether to stop before the next step
    TrainingResult run(
            DatasetRow example,
            @Nullable ImageSize exampleSize,
            List<StepAction> actions,
            TrainingListener listener,
            BooleanSupplier stop) {
        TrainableParts parts = state.parts();
        listener.onStart(new TrainingStart(
                length.steps(),
                batches.order().rows(),
                parts.parameters().size(),
                parts.parameterCount(),
                state.seed(),
                state.step(),
                batchSize,
                example,
                exampleSize));
        state.startClock();
        setRecovery();
        try {
            Reason reason = begin(actions) ? Reason.EARLY_STOP : Reason.DONE;
            while (state.step() < length.steps() && reason == Reason.DONE) {
                if (parallel.anyStops(stop)) {
                    reason = Reason.STOPPED;
                } else if (step(length.place(state.step()), actions, listener)) {
                    reason = Reason.EARLY_STOP;
                }
            }
            checkpoints.atEnd();
            listener.onEnd(new RunEnd(reason, state.step(), state.seconds(), ""));
            return new TrainingResult(state.step(), reason == Reason.STOPPED, state.loss(), checkpoints.written());
        } catch (RuntimeException | Error e) {
            saveAfter(e, listener);
            reportFailure(e, listener);
            throw e;
        } finally {
            clearRecovery();
        }
    }

    /// Runs the actions before the first step, or completes those of the step that the run goes on from.
    ///
    /// @return whether one of them ends the run
    private boolean begin(List<StepAction> actions) {
        if (state.step() == 0) {
            return run(actions, 0, false, StepAction::run);
        }
        boolean isOver = actions.stream().anyMatch(StepAction::isOver);
        return run(actions, 0, isOver, StepAction::resume);
    }

    /// @return whether an action ends the run
    private boolean step(RunLength.Place place, List<StepAction> actions, TrainingListener listener) {
        double rate = rates.rate(state.updates());
        BatchSampler.LocalBatch batch = batches.localBatch(place.epoch(), place.batch());
        objective.expect(batches.upcoming(
                place.epoch(),
                place.batch(),
                length.steps() - state.step(),
                batch.rows().size() + objective.ahead()));
        double loss = accumulate(batch, place);
        if (place.endsUpdate()) {
            state.update(rate);
        }
        state.endStep(loss);
        if (place.endsUpdate()) {
            setRecovery();
        }
        listener.onStep(new StepReport(state.step(), length.steps(), place.epoch(), loss, rate, state.seconds()));
        boolean ends = run(actions, place.epoch(), false, StepAction::run);
        checkpoints.afterStep();
        if (place.endsEpoch()) {
            checkpoints.afterEpoch(place.epoch());
        }
        return ends;
    }

    /// Runs the actions between two steps. The generator of the process is as before afterwards.
    ///
    /// @param over whether the run has ended before
    /// @return whether it ends here
    private boolean run(
            List<StepAction> actions, int epoch, boolean over, BiFunction<StepAction, Moment, Decision> work) {
        boolean ends = over;
        for (StepAction action : actions) {
            Moment moment = new Moment(state.step(), epoch, ends || state.step() == length.steps());
            ends |= state.withoutDraws(() -> {
                Decision decision = work.apply(action, moment);
                if (decision.best()) {
                    checkpoints.saveBest();
                }
                return decision.ends();
            });
            keepValidation();
        }
        return ends;
    }

    /// Adds the gradients of a step, and checks its loss and, before an update, all gradients. The device is waited for
    /// once.
    ///
    /// @return mean loss of the batch
    private double accumulate(BatchSampler.LocalBatch batch, RunLength.Place place) {
        try (Scope _ = new Scope()) {
            if (place.endsUpdate()) {
                parallel.beforeLastGradients();
            }
            Tensor own = objective.accumulate(batch, state.step(), batch.weight() / place.count());
            Tensor norm = place.endsUpdate() ? gradientNorm() : null;
            Tensor lossNumber = DType.FLOAT64.cast(own).reshape(1);
            double[] numbers = Tensors.toDoubles(
                    norm == null
                            ? lossNumber
                            : Ops.cat(0, lossNumber, DType.FLOAT64.cast(norm).reshape(1)));
            String fault = norm == null ? null : clip(norm, numbers[1]);
            DataParallel.Outcome outcome = parallel.outcome(batch, numbers[0], fault != null);
            if (!Double.isFinite(outcome.loss())) {
                throw NonFinite.loss(outcome.loss(), state.step() + 1, batches.batch(place.epoch(), place.batch()));
            }
            if (outcome.unusable()) {
                throw NonFinite.gradient(
                        fault == null ? "the gradient of another process is not finite" : fault,
                        state.step() + 1,
                        rowsOfUpdate(place));
            }
            return outcome.loss();
        }
    }

    /// The rows of an update up to a step.
    private List<DatasetRow> rowsOfUpdate(RunLength.Place place) {
        return IntStream.rangeClosed(place.first(), place.batch())
                .mapToObj(batch -> batches.batch(place.epoch(), batch))
                .flatMap(List::stream)
                .toList();
    }

    /// All-reduces the gradients of an update and computes their norm.
    ///
    /// @return of the whole update, in the caller's scope; null without any gradient
    private @Nullable Tensor gradientNorm() {
        parallel.afterLastGradients();
        parallel.beforeUpdate();
        if (state.updates() == 0 && !state.parts().anyGradient()) {
            throw new InvalidRequestException(
                    "trainable_models",
                    "the loss does not depend on any of the trained parts; name parts that it does");
        }
        return GradientClipping.norm(state.parts().parameters().values());
    }

    /// Clips the gradients where a bound is given.
    ///
    /// @param norm of the gradients
    /// @param value of `norm`
    /// @return the reason why the gradients are unusable for an update, or null
    private @Nullable String clip(Tensor norm, double value) {
        Map<String, Parameter> parameters = state.parts().parameters();
        if (GradientClipping.isUsable(value)) {
            if (maxGradNorm != null) {
                GradientClipping.clip(parameters.values(), norm, maxGradNorm);
            }
            return null;
        }
        Optional<String> name = GradientClipping.firstNonFinite(parameters);
        if (name.isPresent()) {
            return "the gradient of '%s' is not finite (NaN or infinity)".formatted(name.get());
        }
        if (maxGradNorm == null) {
            return "the gradient is too large for float32 (its norm is %s)".formatted(value);
        }
        GradientClipping.clipWide(parameters.values(), maxGradNorm);
        return null;
    }

    /// Captures the moment after an update: weights and moments stay as they are until the next one.
    private void setRecovery() {
        clearRecovery();
        recovery = state.snapshot();
    }

    /// Adds the validation that came after an update to its moment. One after a later step is repeated with that step.
    private void keepValidation() {
        TrainState.Snapshot captured = recovery;
        if (captured != null && captured.progress().step() == state.step()) {
            recovery = captured.with(state.validation());
        }
    }

    private void clearRecovery() {
        if (recovery != null) {
            recovery.close();
        }
        recovery = null;
    }

    /// Saves weights and state of the moment before a failure, as a stop does. A failure to save does not hide the
    /// first one.
    private void saveAfter(Throwable failure, TrainingListener listener) {
        try {
            if (recovery == null || state.isTorn()) {
                checkpoints.nameNewestState();
                return;
            }
            checkpoints.afterFailure(recovery);
        } catch (RuntimeException | Error e) {
            failure.addSuppressed(e);
            report(
                    failure,
                    () -> listener.onWarning(
                            "weights and state since the last checkpoint cannot be saved: " + e.getMessage()));
        }
    }

    private void reportFailure(Throwable failure, TrainingListener listener) {
        String message = Objects.requireNonNullElse(failure.getMessage(), failure.toString());
        report(failure, () -> listener.onEnd(new RunEnd(Reason.FAILED, state.step(), state.seconds(), message)));
    }

    /// A listener that fails too, such as a log on a full disk, does not hide the first failure.
    private static void report(Throwable failure, Runnable event) {
        try {
            event.run();
        } catch (RuntimeException | Error e) {
            failure.addSuppressed(e);
        }
    }
}
