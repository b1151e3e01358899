package io.stencil.train;

import io.stencil.autograd.ActivationPolicy;
import io.stencil.distributed.ProcessGroup;
import io.stencil.error.InvalidFileException;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import io.stencil.template.Warnings;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.tensor.ProcessRandom;
import io.stencil.train.checkpoint.SavedState;
import io.stencil.train.checkpoint.SavedState.DatasetRecord;
import io.stencil.train.checkpoint.TrainableParts;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.data.RowDigest;
import io.stencil.train.data.Sample;
import io.stencil.train.encodings.CachedDataset;
import io.stencil.train.options.DataOptions.OnBadRow;
import io.stencil.train.options.Task;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.TrainingStep;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Holds the data of a run: a dataset of images, or one that was encoded before.
///
/// @param cached the encoded samples, or null for images
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

    /// Checks the heads of images, unless all of them will be read in [#usable].
    void checkHeads(TrainOptions options) {
        if (cached == null && options.data().onBadRow() == OnBadRow.FAIL) {
            dataset.checkHeads();
        }
    }

    /// Checks that the data fit the models. Rows that cannot be read are left out with `--on_bad_row skip`, and those
    /// that the run has left out so far stay out.
    ///
    /// @param saved state that the run goes on from, or null
    TrainingData usable(TrainOptions options, TrainModels models, @Nullable SavedState saved, SkippedRows skipping) {
        LoadedTemplate<?, ?> template = models.template();
        if (cached != null) {
            cached.requireMadeWith(
                    options,
                    models.pipeline().models(),
                    TrainableParts.frozenHash(options.models().trainable(), template));
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
                check(left, models));
    }

    /// Checks that all rows fit the Template, if there is one. Where one has an image of uneven size, the Template
    /// processes that row, so that a size which it cannot use is refused before the first step.
    ///
    /// @return whether the data processor draws from the generator of the process for any row
    static boolean check(Dataset dataset, TrainModels models) {
        LoadedTemplate<?, ?> template = models.template();
        if (template == null) {
            return false;
        }
        AtomicReference<Optional<DatasetRow>> uneven = new AtomicReference<>(Optional.empty());
        boolean draws = ProcessRandom.draws(() -> uneven.set(dataset.check(template)));
        uneven.get().ifPresent(row -> {
            TrainingStep step = new TrainingStep(models.pipeline(), template, new ActivationPolicy.Keep(), _ -> {});
            Function<DatasetRow, Sample.Content> reading = reading(dataset, template, 0, draws);
            step.checkInputs(Sample.of(row, () -> reading.apply(row)));
        });
        return draws;
    }

    /// Samples the batches of a process.
    ///
    /// @param seed of the run
    BatchSampler batches(TrainOptions options, long seed, ProcessGroup group) {
        BatchSampler.Order order = new BatchSampler.Order(
                dataset.rows().size(), options.data().repeat(), options.data().shuffle(), seed);
        int batchSize = Math.multiplyExact(options.optimisation().batchSize(), group.size());
        BatchSampler batches =
                cached == null ? BatchSampler.of(dataset, order, batchSize) : cached.batches(order, batchSize);
        return batches.forRank(group.rank(), group.size());
    }

    /// Records the content of the rows that were used.
    ///
    /// @param step steps that are done
    /// @return null for encoded samples, whose index is compared as the metadata file
    @Nullable
    DatasetRecord record(long step, BatchSampler batches) {
        return cached == null ? history.after(step, batches) : null;
    }

    /// Refuses to resume where rows have changed that the run has used.
    ///
    /// @param saved state that the run goes on from
    void requireUnchanged(SavedState saved, ProcessGroup group, Warnings warnings) {
        if (cached != null) {
            return;
        }
        if (saved.dataset() == null) {
            warnings.warn(
                    "the state in '%s' is of an earlier version, which kept no record of images: they are not compared"
                            .formatted(saved.folder()));
        } else {
            history.requireUnchanged(group);
        }
    }

    /// Reads the content of rows.
    ///
    /// @param template that reads the rows' inputs, or null when none takes part
    /// @param workers threads that decode images; where samples were encoded before, there is nothing to decode
    /// @param seed of the run
    Prefetch<Sample.Content> content(@Nullable LoadedTemplate<?, ?> template, int workers, long seed) {
        return cached == null
                ? new Prefetch<>(digesting(reading(dataset, template, seed, draws)), workers)
                : new Prefetch<>(_ -> noImages(), 0);
    }

    private Function<DatasetRow, Sample.Content> digesting(Function<DatasetRow, Sample.Content> reading) {
        return row -> {
            Sample.Content content = reading.apply(row);
            history.digest(row);
            return content;
        };
    }

    /// Reads a row. Where the Template's data processor draws from the generator of the process, one row at a time is
    /// read, each with a seed of its own.
    ///
    /// @param draws as [#check] gave it
    static Function<DatasetRow, Sample.Content> reading(
            Dataset dataset, @Nullable LoadedTemplate<?, ?> template, long seed, boolean draws) {
        Function<DatasetRow, Sample.Content> reading = row -> dataset.load(row, template);
        return draws ? row -> ProcessRandom.seeded(Sample.Seeds.ofRow(seed, row), () -> reading.apply(row)) : reading;
    }

    private static Sample.Content noImages() {
        throw new InvalidRequestException(
                "task",
                "sft:train has no images, but the Template gives edit images of its own, which are encoded in every step; train in one stage (--task sft)");
    }

    /// Records the content of the rows that a run has used, so that a resumed run detects changes. Rows that were not
    /// used yet may change: an image that ended a run may be replaced.
    static final class DatasetHistory {

        private final Dataset dataset;
        private final Map<Integer, String> earlier;
        private final Map<DatasetRow, String> digests = new ConcurrentHashMap<>();

        /// @param earlier digests of the rows that the run has used so far, by their index in the metadata file
        DatasetHistory(Dataset dataset, Map<Integer, String> earlier) {
            this.dataset = dataset;
            this.earlier = Map.copyOf(earlier);
        }

        /// Reads the content of a row, if that was not done before. Safe to call from several threads.
        String digest(DatasetRow row) {
            return digests.computeIfAbsent(row, key -> RowDigest.of(key, dataset.folder()));
        }

        /// Lists the rows that were used, but for those whose files another process has used and which cannot be read
        /// any more: to lose the state would be worse.
        ///
        /// @param step steps that are done
        DatasetRecord after(long step, BatchSampler batches) {
            List<Integer> indices = dataset.indices();
            Map<Integer, String> used = new TreeMap<>(earlier);
            for (int row : used(step, batches)) {
                try {
                    used.put(indices.get(row), digest(dataset.rows().get(row)));
                } catch (InvalidFileException _) { // reported when the row is read again
                }
            }
            return new DatasetRecord(used, dataset.bad());
        }

        /// Refuses to go on with rows that have changed since the run used them. Each process looks at its share.
        ///
        /// @throws InvalidRequestException naming the rows
        void requireUnchanged(ProcessGroup group) {
            List<Integer> indices = dataset.indices();
            List<String> changed = new ArrayList<>();
            for (int row = group.rank(); row < indices.size(); row += group.size()) {
                String then = earlier.get(indices.get(row));
                DatasetRow now = dataset.rows().get(row);
                if (then != null && !then.equals(digest(now))) {
                    changed.add(now.location().toString());
                }
            }
            if (!changed.isEmpty()) {
                throw new InvalidRequestException(
                        "resume",
                        "the content of %s has changed since the run used it (images, Template inputs or their files): %s; put it back, or train anew into another folder"
                                .formatted(
                                        changed.size() == 1 ? "a row" : changed.size() + " rows",
                                        NameList.of(changed)));
            }
        }

        private static Set<Integer> used(long step, BatchSampler batches) {
            List<List<Integer>> epoch = batches.epoch(0);
            Set<Integer> used = new LinkedHashSet<>();
            epoch.subList(0, Math.toIntExact(Math.min(step, epoch.size()))).forEach(used::addAll);
            return used;
        }
    }
}
