package io.stencil.train;

import io.stencil.distributed.GradientAverage;
import io.stencil.distributed.ProcessGroup;
import io.stencil.train.data.BatchPart;
import java.util.function.BooleanSupplier;

/// The processes that train the same weights, each on its part of every batch.
final class Replicas implements AutoCloseable {

    private final ProcessGroup group;
    private final TrainableParts parts;
    private final GradientAverage gradients;
    private final boolean findUnused;

    /// @param group of the processes; stays the caller's
    /// @param findUnused whether a parameter may be without a gradient
    Replicas(ProcessGroup group, TrainableParts parts, boolean findUnused) {
        this.group = group;
        this.parts = parts;
        this.gradients = new GradientAverage(group, parts.parameters());
        this.findUnused = findUnused;
    }

    ProcessGroup group() {
        return group;
    }

    /// Whether any process was asked to stop: all stop at the same step then.
    boolean anyStops(BooleanSupplier own) {
        return group.any(own.getAsBoolean());
    }

    /// The end of a step, the same for all processes.
    ///
    /// @param loss mean of the batch
    /// @param unusable whether the gradients of any process are
    record Outcome(double loss, boolean unusable) {}

    /// Puts together what the processes found.
    ///
    /// @param own mean loss of this process's part
    /// @param unusable whether its gradients are
    Outcome outcome(BatchPart part, double own, boolean unusable) {
        if (group.size() == 1) {
            return new Outcome(own, unusable);
        }
        double[] sums = group.sum(own * part.weight(), unusable ? 1 : 0);
        return new Outcome(sums[0] / group.size(), sums[1] > 0);
    }

    /// Tells that the gradients which come next are the last of an update: they may be sent while they come.
    void beforeLastGradients() {
        gradients.beforeLastPasses();
    }

    /// Tells that they have come, before the processes do anything else together.
    void afterLastGradients() {
        gradients.afterLastPasses();
    }

    /// Gives all processes the gradients of the whole update.
    void beforeUpdate() {
        gradients.forUpdate(findUnused);
    }

    /// Lets the gradients of an update that is half done stand for all processes in a state.
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
