package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidRequestException;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import io.stencil.train.data.BatchPart;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.RowSequence;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.log.TrainingStart;
import io.stencil.train.optim.AdamW;
import io.stencil.train.optim.GradientClipping;
import io.stencil.train.optim.RatePlan;
import io.stencil.train.optim.WeightAverage;
import io.stencil.train.options.OptimisationOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Epochs of steps, updates of the weights, and checkpoints between them.
final class TrainingLoop {

    /// What the loop works with; all of it stays its owner's.
    ///
    /// @param average of the weights, or null
    /// @param parallel the processes that share the batches
    /// @param start where the run begins or goes on
    /// @param stop asked before each step
    record Workshop(
            Dataset dataset,
            BatchPlan batches,
            Objective objective,
            TrainableParts parts,
            AdamW optimizer,
            @Nullable WeightAverage average,
            CheckpointSeries checkpoints,
            DataParallel parallel,
            Position start,
            TrainingListener listener,
            BooleanSupplier stop) {}

    private final Workshop shop;
    private final OptimisationOptions options;
    private final RowSequence rows;
    private final long totalSteps;
    private final RatePlan rates;
    private long step;
    private long updates;
    private double loss;
    private long began;
    private @Nullable RecoveryPoint recovery;
    private boolean updating;

    TrainingLoop(Workshop shop, OptimisationOptions options) {
        this.shop = shop;
        this.options = options;
        ProcessGroup processes = shop.parallel().group();
        rows = new RowSequence(shop.dataset(), shop.batches(), processes.rank(), processes.size());
        step = shop.start().step();
        updates = shop.start().updates();
        loss = shop.start().loss();
        long epochLength = shop.batches().epochLength();
        Integer maxSteps = options.maxSteps();
        totalSteps = maxSteps == null
                ? Math.multiplyExact(epochLength, (long) Objects.requireNonNull(options.epochs()))
                : maxSteps;
        rates = new RatePlan(
                options.schedule(),
                options.learningRate(),
                options.warmupSteps(),
                updates(totalSteps, epochLength, options.gradientAccumulationSteps()));
    }

    /// An update does not reach beyond the end of an epoch.
    private static long updates(long steps, long epochLength, int group) {
        return steps / epochLength * Math.ceilDiv(epochLength, group) + Math.ceilDiv(steps % epochLength, group);
    }

    TrainingResult run() {
        shop.listener()
                .onStart(new TrainingStart(
                        totalSteps,
                        shop.batches().order().rows(),
                        shop.parts().parameters().size(),
                        shop.parts().parameterCount(),
                        shop.batches().order().seed(),
                        step));
        began = System.nanoTime();
        int epochLength = shop.batches().epochLength();
        setRecovery();
        try {
            for (int epoch = Math.toIntExact(step / epochLength); step < totalSteps; epoch++) {
                if (!runEpoch(epoch, Math.toIntExact(step % epochLength))) {
                    return result(true);
                }
                int ended = epoch;
                save(() -> shop.checkpoints().afterEpoch(ended, position()));
            }
            return result(false);
        } finally {
            clearRecovery();
        }
    }

    /// Where the run was after its last update: weights and moments are as they were then. It holds the states of
    /// generators and no weights, 10 kB in all.
    private record RecoveryPoint(Position position, RandomState random) {}

    private void setRecovery() {
        clearRecovery();
        recovery = new RecoveryPoint(position(), shop.checkpoints().random());
    }

    private void clearRecovery() {
        if (recovery != null) {
            recovery.random().close();
        }
        recovery = null;
    }

    /// Saves what was learned before a failure, as a stop does. A failure to save does not hide the first one.
    private void saveAfter(Throwable failure) {
        if (recovery == null || updating) { // some weights are those of the next update, others not
            shop.checkpoints().nameNewestState();
            return;
        }
        try {
            shop.checkpoints().afterFailure(recovery.position(), recovery.random());
        } catch (RuntimeException | Error e) {
            failure.addSuppressed(e);
            shop.listener().onWarning("what was learned since the last checkpoint cannot be saved: " + e.getMessage());
        }
    }

    private TrainingResult result(boolean interrupted) {
        save(() -> shop.checkpoints().atEnd(position()));
        return new TrainingResult(step, interrupted, loss, shop.checkpoints().written());
    }

    private Position position() {
        return new Position(step, updates, loss, seconds());
    }

    private double seconds() {
        return shop.start().seconds() + (System.nanoTime() - began) / 1e9;
    }

    /// @param done batches of the epoch that are done, where the run goes on within it; those of an update that is
    ///     half done have left their gradients
    /// @return false when a stop was asked for
    private boolean runEpoch(int epoch, int done) {
        int length = Math.toIntExact(Math.min(shop.batches().epochLength(), totalSteps - (step - done)));
        int group = options.gradientAccumulationSteps();
        for (int first = done / group * group; first < length; first += group) {
            int count = Math.min(group, length - first);
            double rate = rates.rate(updates);
            int begin = Math.max(done - first, 0);
            for (int i = begin; i < count; i++) {
                if (!runStep(new Place(epoch, first, i, count), rate)) {
                    return false;
                }
                finishStep(epoch, rate, i == count - 1);
            }
        }
        return true;
    }

    /// A step's place in its update.
    ///
    /// @param first batch of the epoch that the update begins with
    private record Place(int epoch, int first, int index, int count) {
        boolean isLast() {
            return index == count - 1;
        }

        int batch() {
            return first + index;
        }

        /// The rows of the update up to this step.
        List<DatasetRow> rows(RowSequence sequence) {
            return IntStream.rangeClosed(first, batch())
                    .mapToObj(batch -> sequence.batch(epoch, batch))
                    .flatMap(List::stream)
                    .toList();
        }
    }

    /// @return false when a stop was asked for
    private boolean runStep(Place place, double rate) {
        try {
            if (shop.parallel().anyStops(shop.stop())) {
                return false;
            }
            Objective objective = shop.objective();
            BatchPart part = rows.part(place.epoch(), place.batch());
            objective.expect(rows.from(
                    place.epoch(), place.batch(), totalSteps - step, part.rows().size() + objective.ahead()));
            accumulate(part, place);
            if (place.isLast()) {
                update(rate);
            }
            return true;
        } catch (RuntimeException | Error e) {
            saveAfter(e);
            throw e;
        }
    }

    /// Adds the gradients of a step, and checks its loss and, before an update, all gradients. The device is waited for
    /// once.
    private void accumulate(BatchPart part, Place place) {
        DataParallel parallel = shop.parallel();
        try (Scope _ = new Scope()) {
            if (place.isLast()) {
                parallel.beforeLastGradients();
            }
            Tensor own = shop.objective().accumulate(part, step, part.weight() / place.count());
            Tensor norm = place.isLast() ? gradientNorm() : null;
            Tensor told = DType.FLOAT64.cast(own).reshape(1);
            double[] numbers = Tensors.toDoubles(
                    norm == null
                            ? told
                            : Ops.cat(0, told, DType.FLOAT64.cast(norm).reshape(1)));
            String fault = norm == null ? null : clip(norm, numbers[1]);
            DataParallel.Outcome outcome = parallel.outcome(part, numbers[0], fault != null);
            loss = outcome.loss();
            if (!Double.isFinite(loss)) {
                throw NonFinite.loss(loss, step + 1, rows.batch(place.epoch(), place.batch()));
            }
            if (outcome.unusable()) {
                throw NonFinite.gradient(
                        fault == null ? "the gradient of another process is not finite" : fault,
                        step + 1,
                        place.rows(rows));
            }
        }
    }

    /// @return of the whole update, in the caller's scope; null without any gradient
    private @Nullable Tensor gradientNorm() {
        shop.parallel().afterLastGradients();
        shop.parallel().beforeUpdate();
        if (updates == 0 && !shop.parts().anyGradient()) {
            throw new InvalidRequestException(
                    "trainable_models",
                    "the loss does not depend on any of the trained parts; name parts that it does");
        }
        return GradientClipping.norm(shop.parts().parameters().values());
    }

    /// Shortens the gradients where a bound is given.
    ///
    /// @param length which is `norm`
    /// @return why no update can be made of them, or null
    private @Nullable String clip(Tensor norm, double length) {
        Map<String, Parameter> parameters = shop.parts().parameters();
        Double bound = options.maxGradNorm();
        if (GradientClipping.isUsable(length)) {
            if (bound != null) {
                GradientClipping.clip(parameters.values(), norm, bound);
            }
            return null;
        }
        Optional<String> name = GradientClipping.firstNonFinite(parameters);
        if (name.isPresent()) {
            return "the gradient of '%s' is not finite (NaN or infinity)".formatted(name.get());
        }
        if (bound == null) {
            return "the gradient is too large for float32 (its norm is %s)".formatted(length);
        }
        GradientClipping.clipWide(parameters.values(), bound);
        return null;
    }

    private void update(double rate) {
        updating = true;
        shop.optimizer().update(rate);
        updates++;
        if (shop.average() != null) {
            shop.average().update();
        }
        updating = false;
    }

    private void finishStep(int epoch, double rate, boolean updated) {
        step++;
        if (updated) {
            setRecovery();
        }
        save(() -> {
            shop.listener().onStep(new StepReport(step, totalSteps, epoch, loss, rate, seconds()));
            shop.checkpoints().afterStep(position());
        });
    }

    /// Where that fails, the state of the last update is saved, without one that is half done.
    private void save(Runnable saving) {
        try {
            saving.run();
        } catch (RuntimeException | Error e) {
            saveAfter(e);
            throw e;
        }
    }
}
