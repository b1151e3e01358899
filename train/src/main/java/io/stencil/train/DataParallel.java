package io.stencil.train;

import io.stencil.distributed.GradientReducer;
import io.stencil.distributed.ProcessGroup;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.BatchSampler;
import java.util.function.BooleanSupplier;

/// Trains the same weights in several processes, each on its part of every batch (data parallelism).
final class DataParallel implements AutoCloseable {

    private final ProcessGroup group;
    private final TrainableParts parts;
    private final GradientReducer gradients;
    private final boolean findUnused;

    /// @param group of the processes; stays the caller's
    /// @param findUnused whether a parameter may be without a gradient
    DataParallel(ProcessGroup group, TrainableParts parts, boolean findUnused) {
        this.group = group;
        this.parts = parts;
        this.gradients = new GradientReducer(group, parts.parameters());
        this.findUnused = findUnused;
    }

    ProcessGroup group() {
        return group;
    }

    /// Whether any process was requested to stop: all stop at the same step then.
    boolean anyStops(BooleanSupplier own) {
        return group.any(own.getAsBoolean());
    }

    /// The end of a step, the same for all processes.
    ///
    /// @param loss mean of the batch
    /// @param unusable whether the gradients of any process are
    record Outcome(double loss, boolean unusable) {}

    /// Combines the losses and faults of all processes.
    ///
    /// @param own mean loss of this process's rows
    /// @param unusable whether its gradients are
    Outcome outcome(BatchSampler.LocalBatch batch, double own, boolean unusable) {
        if (group.size() == 1) {
            return new Outcome(own, unusable);
        }
        double[] sums = group.sum(own * batch.weight(), unusable ? 1 : 0);
        return new Outcome(sums[0] / group.size(), sums[1] > 0);
    }

    /// Starts to all-reduce gradients while the last backward passes of an update run.
    void beforeLastGradients() {
        gradients.beforeLastPasses();
    }

    /// Ends that, before the processes do anything else together.
    void afterLastGradients() {
        gradients.afterLastPasses();
    }

    /// All-reduces the gradients of the whole update.
    void beforeUpdate() {
        gradients.forUpdate(findUnused);
    }

    /// All-reduces the gradients of an update that is half done, for a state that stands for all processes.
    void beforeSaving() {
        if (group.size() > 1 && group.any(parts.anyGradient())) {
            gradients.withinUpdate();
        }
    }

    @Override
    public void close() {
        gradients.close();
    }
}
