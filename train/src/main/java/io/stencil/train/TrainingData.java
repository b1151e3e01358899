package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.error.InvalidRequestException;
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
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// What a run learns from: a dataset of pictures, or one that was encoded before.
///
/// @param cached the encoded samples, or null for pictures
/// @param history content of the rows that were used
/// @param draws whether the Template's data processor draws from the generator of the process
record TrainingData(Dataset dataset, @Nullable CachedDataset cached, DatasetHistory history, boolean draws) {

    private TrainingData(Dataset dataset, @Nullable CachedDataset cached) {
        this(dataset, cached, new DatasetHistory(dataset, Map.of()), false);
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

    /// Checks that the data fit the models. Rows that cannot be read are left out with `--on_bad_row skip`, and those
    /// that the run has left out so far stay out.
    ///
    /// @param saved state that the run goes on from, or null
    TrainingData usable(
            TrainOptions options,
            Flux2Pipeline pipeline,
            @Nullable LoadedTemplate<?, ?> template,
            @Nullable SavedState saved,
            SkippedRows skipping) {
        if (cached != null) {
            cached.requireMadeWith(options, pipeline.models(), DatasetEncoder.frozenHash(options, template));
            return this;
        }
        DatasetRecord record = saved == null ? null : saved.dataset();
        Dataset left = options.data().onBadRow() == OnBadRow.SKIP
                ? skipping.find(dataset, template, saved)
                : record == null ? dataset : skipping.again(dataset, record.skipped());
        return new TrainingData(
                left,
                null,
                new DatasetHistory(left, record == null ? Map.of() : record.digests()),
                template != null && check(left, pipeline, template));
    }

    /// Checks that all rows fit the Template. Where one has an image of uneven size, the Template processes that row,
    /// so that a size which it cannot use is refused before the first step.
    ///
    /// @return whether the data processor draws from the generator of the process for any row
    static boolean check(Dataset dataset, Flux2Pipeline pipeline, LoadedTemplate<?, ?> template) {
        AtomicReference<Optional<DatasetRow>> uneven = new AtomicReference<>(Optional.empty());
        boolean draws = ProcessRandom.draws(() -> uneven.set(dataset.check(template)));
        uneven.get().ifPresent(row -> {
            TrainingStep step = new TrainingStep(pipeline, template, new ActivationPolicy.Keep(), _ -> {});
            step.checkInputs(StepSample.of(row, () -> dataset.load(row, template)));
        });
        return draws;
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
                ? new Prefetch<>(digesting(reading(dataset, template, seed, draws)), workers)
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
    ///
    /// @param draws as [#check] gave it
    static Function<DatasetRow, TrainingSample> reading(
            Dataset dataset, @Nullable LoadedTemplate<?, ?> template, long seed, boolean draws) {
        Function<DatasetRow, TrainingSample> reading = row -> dataset.load(row, template);
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
