package io.stencil.train.optim;

import org.jspecify.annotations.Nullable;

/// Schedules the learning rate over the updates; [RatePlan] computes the rate of each.
public enum LearningRateSchedule {
    /// Without a warm-up of one's own: a third of the rate for the first five updates, then all of it. That is what
    /// PyTorch's `ConstantLR` does by default, which the reference implementation trains with.
    CONSTANT("constant"),
    /// Falls along half a cosine to zero at the end of the training (Loshchilov and Hutter 2016, arXiv:1608.03983).
    COSINE("cosine"),
    /// The same rate throughout.
    NONE("none");

    private final String option;

    LearningRateSchedule(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }

    /// The learning rate of every update of one training.
    ///
    /// @param learningRate the highest one
    /// @param warmupUpdates through which the rate rises in equal steps, reaching the highest one in the last of them;
    ///     null leaves the beginning to the schedule
    /// @param updates of the whole training, which the cosine ends with
    public record RatePlan(
            LearningRateSchedule schedule,
            double learningRate,
            @Nullable Integer warmupUpdates,
            long updates) {

        private static final int CONSTANT_LR_UPDATES = 5;
        private static final double CONSTANT_LR_FACTOR = 1.0 / 3;

        /// @param update from 0
        public double rate(long update) {
            int rise = warmupUpdates == null ? 0 : warmupUpdates;
            if (update < rise) {
                return learningRate * (update + 1) / rise;
            }
            return switch (schedule) {
                case CONSTANT ->
                    warmupUpdates == null && update < CONSTANT_LR_UPDATES
                            ? learningRate * CONSTANT_LR_FACTOR
                            : learningRate;
                case COSINE ->
                    learningRate * 0.5 * (1 + Math.cos(Math.PI * (update - rise) / Math.max(updates - rise, 1)));
                case NONE -> learningRate;
            };
        }
    }
}
