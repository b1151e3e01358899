package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.StencilException;
import io.stencil.pipeline.Flux2Pipeline;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.ProcessRandom;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.resume.DatasetRecord;
import io.stencil.train.resume.SavedState;
import io.stencil.train.split.CachedDataset;
import io.stencil.train.step.StepSample;
import io.stencil.train.step.TrainingStep;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// What a run learns from: a dataset of pictures, or one that was encoded before.
///
/// @param cached the encoded samples, or null for pictures
/// @param history content of the rows that were used
record TrainingData(Dataset dataset, @Nullable CachedDataset cached, DatasetHistory history) {

    private TrainingData(Dataset dataset, @Nullable CachedDataset cached) {
        this(dataset, cached, new DatasetHistory(dataset));
    }

    static TrainingData read(TrainOptions options) {
        if (options.task() != Task.SFT_TRAIN) {
            return new TrainingData(Dataset.read(options.data()), null);
        }
        CachedDataset cached = CachedDataset.open(options);
        return new TrainingData(cached.dataset(), cached);
    }

    /// Checks what the heads of images tell, unless all of them will be read in [#usable].
    void checkHeads(TrainOptions options) {
        if (cached == null && options.data().onBadRow() == OnBadRow.FAIL) {
            dataset.checkHeads();
        }
    }

    /// Checks that the data fit the models. Rows that cannot be read are left out where that is asked for.
    ///
    /// @param saved state that the run goes on from, or null
    TrainingData usable(
            TrainOptions options,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            @Nullable SavedState saved,
            SkippedRows skipping) {
        if (cached != null) {
            cached.requireMadeWith(options, pipeline.models(), DataProcess.frozenHash(options, template));
            return this;
        }
        if (options.data().onBadRow() == OnBadRow.SKIP) {
            DatasetRecord record = saved == null ? null : saved.dataset();
            return new TrainingData(
                    record == null ? skipping.find(dataset, template) : skipping.again(dataset, record.skipped()),
                    null);
        }
        if (template != null) {
            check(dataset, pipeline, template);
        }
        return this;
    }

    /// Checks that all rows fit the Template. Where one has an image of uneven size, the Template processes that row,
    /// so
    /// that a size which it cannot use is told before the first step.
    static void check(Dataset dataset, Flux2Pipeline pipeline, LoadedTemplate<?, ?> template) {
        dataset.check(template).ifPresent(row -> {
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), _ -> {});
            step.checkInputs(StepSample.of(row, () -> dataset.load(row, template)));
        });
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
                ? new Prefetch<>(digesting(reading(dataset, template, seed)), workers)
                : new Prefetch<>(_ -> noPictures(), 0);
    }

    private Function<DatasetRow, TrainingSample> digesting(Function<DatasetRow, TrainingSample> reading) {
        return row -> {
            TrainingSample sample = reading.apply(row);
            history.digest(row);
            return sample;
        };
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
