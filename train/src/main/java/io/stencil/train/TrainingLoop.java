package io.stencil.train;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.log.StepReport;
import io.stencil.train.log.TrainingListener;
import io.stencil.train.log.TrainingStart;
import io.stencil.train.optim.AdamW;
import io.stencil.train.options.OptimisationOptions;
import io.stencil.train.step.NoiseDraws;
import io.stencil.train.step.TrainingStep;
import java.util.function.BooleanSupplier;

/// Epochs of steps, updates of the weights, and checkpoints between them.
final class TrainingLoop {

    /// What the loop works with; all of it stays its owner's.
    ///
    /// @param stop asked before each step
    record Workshop(
            Dataset dataset,
            DataOrder order,
            TrainingStep step,
            NoiseDraws draws,
            TrainableParts parts,
            AdamW optimizer,
            CheckpointSeries checkpoints,
            TrainingListener listener,
            BooleanSupplier stop) {}

    private final Workshop shop;
    private final OptimisationOptions options;
    private final long totalSteps;
    private long step;
    private long updates;
    private double loss = Double.NaN;
    private long began;

    TrainingLoop(Workshop shop, OptimisationOptions options) {
        this.shop = shop;
        this.options = options;
        this.totalSteps =
                Math.multiplyExact((long) options.epochs(), shop.order().epochLength());
    }

    TrainingResult run() {
        shop.listener()
                .onStart(new TrainingStart(
                        totalSteps,
                        shop.order().rows(),
                        shop.parts().parameters().size(),
                        shop.parts().parameterCount(),
                        shop.order().seed()));
        began = System.nanoTime();
        for (int epoch = 0; epoch < options.epochs(); epoch++) {
            if (!runEpoch(epoch)) {
                return result(true);
            }
            shop.checkpoints().afterEpoch(epoch, step);
        }
        return result(false);
    }

    private TrainingResult result(boolean interrupted) {
        shop.checkpoints().atEnd(step);
        return new TrainingResult(step, interrupted, loss, shop.checkpoints().written());
    }

    /// @return false when a stop was asked for
    private boolean runEpoch(int epoch) {
        int[] order = shop.order().epoch(epoch);
        int group = options.gradientAccumulationSteps();
        for (int first = 0; first < order.length; first += group) {
            int count = Math.min(group, order.length - first);
            double rate = options.schedule().rate(options.learningRate(), updates);
            for (int i = 0; i < count; i++) {
                if (shop.stop().getAsBoolean()) {
                    return false;
                }
                DatasetRow row = shop.dataset().rows().get(order[first + i]);
                loss = shop.step().accumulate(shop.dataset().load(row), shop.draws(), 1.0 / count);
                requireFinite(row);
                if (i == count - 1) {
                    update(rate);
                }
                finishStep(epoch, rate);
            }
        }
        return true;
    }

    private void update(double rate) {
        if (updates == 0 && !shop.parts().anyGradient()) {
            throw new InvalidRequestException(
                    "trainable_models",
                    "the loss does not depend on any of the trained parts; name parts that it does");
        }
        shop.optimizer().update(rate);
        updates++;
    }

    private void finishStep(int epoch, double rate) {
        step++;
        double seconds = (System.nanoTime() - began) / 1e9;
        shop.listener().onStep(new StepReport(step, totalSteps, epoch, loss, rate, seconds));
        shop.checkpoints().afterStep(step);
    }

    private void requireFinite(DatasetRow row) {
        if (!Double.isFinite(loss)) {
            Location place = row.location();
            throw new InvalidRequestException(
                    "learning_rate",
                    "the loss is %s at step %d (row %s); lower the rate, or look at that row"
                            .formatted(loss, step + 1, place));
        }
    }
}
