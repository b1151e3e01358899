package io.stencil.train;

import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
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
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Epochs of steps, updates of the weights, and checkpoints between them.
final class TrainingLoop {

    /// What the loop works with; all of it stays its owner's.
    ///
    /// @param average of the weights, or null
    /// @param replicas the processes that share the batches
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
            Replicas replicas,
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
        ProcessGroup processes = shop.replicas().group();
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
        try {
            for (int epoch = Math.toIntExact(step / epochLength); step < totalSteps; epoch++) {
                if (!runEpoch(epoch, Math.toIntExact(step % epochLength))) {
                    return result(true);
                }
                shop.checkpoints().afterEpoch(epoch, position());
            }
            return result(false);
        } finally {
            setRecovery(null);
        }
    }

    /// Where the run was before the update that is being worked on: weights and moments are as they were then.
    private record RecoveryPoint(Position position, RandomState random) {}

    private void setRecovery(@Nullable RecoveryPoint next) {
        if (recovery != null) {
            recovery.random().close();
        }
        recovery = next;
    }

    /// Saves what was learned before a failure, as a stop does. A failure to save does not hide the first one.
    private void saveAfter(Throwable failure) {
        if (recovery == null || updating) {
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
        shop.checkpoints().atEnd(position());
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
            setRecovery(new RecoveryPoint(position(), shop.checkpoints().random()));
            for (int i = begin; i < count; i++) {
                if (!runStep(epoch, first + i, new Place(i, count), rate)) {
                    return false;
                }
                finishStep(epoch, rate);
            }
        }
        return true;
    }

    /// A step's place in its update.
    private record Place(int index, int count) {
        boolean isLast() {
            return index == count - 1;
        }
    }

    /// @param batch of the epoch
    /// @return false when a stop was asked for
    private boolean runStep(int epoch, int batch, Place place, double rate) {
        try {
            if (shop.replicas().anyStops(shop.stop())) {
                return false;
            }
            Objective objective = shop.objective();
            BatchPart part = rows.part(epoch, batch);
            objective.expect(
                    rows.from(epoch, batch, totalSteps - step, part.rows().size() + objective.ahead()));
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

    private void accumulate(BatchPart part, Place place) {
        boolean last = place.isLast();
        if (last) {
            shop.replicas().beforeLastGradients();
        }
        double own = shop.objective().accumulate(part, part.weight() / place.count());
        if (last) {
            shop.replicas().afterLastGradients();
        }
        loss = shop.replicas().meanLoss(part, own);
        requireFinite(part.rows().getFirst());
    }

    private void update(double rate) {
        shop.replicas().beforeUpdate();
        if (updates == 0 && !shop.parts().anyGradient()) {
            throw new InvalidRequestException(
                    "trainable_models",
                    "the loss does not depend on any of the trained parts; name parts that it does");
        }
        if (options.maxGradNorm() != null) {
            GradientClipping.clip(shop.parts().parameters().values(), options.maxGradNorm());
        }
        updating = true;
        shop.optimizer().update(rate);
        updates++;
        if (shop.average() != null) {
            shop.average().update();
        }
        updating = false;
    }

    private void finishStep(int epoch, double rate) {
        step++;
        shop.listener().onStep(new StepReport(step, totalSteps, epoch, loss, rate, seconds()));
        shop.checkpoints().afterStep(position());
    }

    private void requireFinite(DatasetRow row) {
        if (!Double.isFinite(loss)) {
            Location place = row.location();
            throw new InvalidRequestException(
                    "learning_rate",
                    "the loss is %s at step %s (row %s); lower the rate, or look at that row"
                            .formatted(loss, step + 1, place));
        }
    }
}
