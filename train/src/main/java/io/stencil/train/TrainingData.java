package io.stencil.train;

import io.stencil.error.InvalidRequestException;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.split.CachedDataset;
import org.jspecify.annotations.Nullable;

/// What a run learns from: a dataset of pictures, or one that was encoded before.
///
/// @param cached the encoded samples, or null for pictures
record TrainingData(Dataset dataset, @Nullable CachedDataset cached) {

    static TrainingData read(TrainOptions options) {
        if (options.task() != Task.SFT_TRAIN) {
            return new TrainingData(Dataset.read(options.data()), null);
        }
        CachedDataset cached = CachedDataset.open(options);
        return new TrainingData(cached.dataset(), cached);
    }

    /// Checks that the data fit the models.
    void check(TrainOptions options, ModelSet models, @Nullable LoadedTemplate<?, ?> template) {
        if (cached != null) {
            cached.requireMadeWith(options, models, DataProcess.frozenHash(options, template));
        } else if (template != null) {
            dataset.check(template);
        }
    }

    BatchPlan batches(DataOrder order, int batchSize) {
        return cached == null ? BatchPlan.of(dataset, order, batchSize) : cached.batches(order, batchSize);
    }

    /// The content of rows.
    ///
    /// @param template that reads the rows' inputs, or null when none takes part
    /// @param workers threads that decode pictures; where samples were encoded before, there is nothing to decode
    Prefetch<TrainingSample> content(@Nullable LoadedTemplate<?, ?> template, int workers) {
        return cached == null
                ? new Prefetch<>(row -> dataset.load(row, template), workers)
                : new Prefetch<>(_ -> noPictures(), 0);
    }

    private static TrainingSample noPictures() {
        throw new InvalidRequestException(
                "task",
                "sft:train has no pictures, but the Template gives edit images of its own, which are encoded in every step; train in one stage (--task sft)");
    }
}
