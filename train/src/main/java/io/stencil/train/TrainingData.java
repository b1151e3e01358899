package io.stencil.train;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.StencilException;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.ProcessRandom;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.split.CachedDataset;
import io.stencil.train.step.StepSample;
import java.util.function.Function;
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
    /// @param seed of the run
    Prefetch<TrainingSample> content(@Nullable LoadedTemplate<?, ?> template, int workers, long seed) {
        return cached == null
                ? new Prefetch<>(reading(dataset, template, seed), workers)
                : new Prefetch<>(_ -> noPictures(), 0);
    }

    /// Reads a row. Where the Template's data processor draws from the generator of the process, one row at a time is
    /// read, each with a seed of its own.
    static Function<DatasetRow, TrainingSample> reading(
            Dataset dataset, @Nullable LoadedTemplate<?, ?> template, long seed) {
        Function<DatasetRow, TrainingSample> reading = row -> dataset.load(row, template);
        boolean draws = template != null
                && ProcessRandom.draws(() -> {
                    try {
                        var _ = reading.apply(dataset.rows().getFirst());
                    } catch (StencilException _) { // told when the row's turn comes
                    }
                });
        return draws
                ? row -> ProcessRandom.seeded(StepSample.Seeds.ofRow(seed, row), () -> reading.apply(row))
                : reading;
    }

    private static TrainingSample noPictures() {
        throw new InvalidRequestException(
                "task",
                "sft:train has no pictures, but the Template gives edit images of its own, which are encoded in every step; train in one stage (--task sft)");
    }
}
