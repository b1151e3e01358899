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
import io.stencil.train.options.ValidationOptions;
import io.stencil.train.step.TrainingStep;
import io.stencil.train.validation.HeldOutLosses.HeldOutRow;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Holds the data of a run: a dataset of images, or one that was encoded before.
///
/// @param cached the encoded samples, or null for images
/// @param history content of the rows that were used
/// @param draws whether the Template's data processor draws from the generator of the process
/// @param heldOut rows that are measured and not trained on, or null; with `--validation_split` [#usable] separates
///     them
record TrainingData(
        Dataset dataset,
        @Nullable CachedDataset cached,
        DatasetHistory history,
        boolean draws,
        @Nullable TrainingData heldOut) {

    private static TrainingData of(Dataset dataset, @Nullable TrainingData heldOut) {
        return new TrainingData(dataset, null, new DatasetHistory(dataset, Map.of()), false, heldOut);
    }

    private static TrainingData of(CachedDataset cached, @Nullable TrainingData heldOut) {
        Dataset dataset = cached.dataset();
        return new TrainingData(dataset, cached, new DatasetHistory(dataset, Map.of()), false, heldOut);
    }

    static TrainingData read(TrainOptions options) {
        ValidationOptions validation = options.validation();
        if (options.task() != Task.SFT_TRAIN) {
            Dataset dataset = Dataset.read(options.data());
            boolean isMeasured = options.task() != Task.SFT_DATA_PROCESS && validation.metadataPath() != null;
            Dataset measured = isMeasured ? Dataset.read(validation.data(options.data())) : null;
            if (options.task() == Task.VAE) {
                dataset.requireNoWeights();
                if (measured != null) {
                    measured.requireNoWeights();
                }
            }
            return of(dataset, measured == null ? null : of(measured, null));
        }
        CachedDataset cached = CachedDataset.open(options);
        return of(
                cached,
                validation.basePath() == null ? null : of(CachedDataset.open(options, validation.basePath()), null));
    }

    /// Checks the heads of images, unless all of them will be read in [#usable].
    void checkHeads(TrainOptions options) {
        if (cached == null && options.data().onBadRow() == OnBadRow.FAIL) {
            dataset.checkHeads();
        }
        if (heldOut != null) {
            heldOut.checkHeads(options);
        }
    }

    /// Checks that the data fit the models, and separates the rows of `--validation_split`. Rows that cannot be read
    /// are left out with `--on_bad_row skip`, and those that the run has left out or held out so far stay out.
    ///
    /// @param saved state that the run goes on from, or null
    TrainingData usable(TrainOptions options, TrainModels models, @Nullable SavedState saved, SkippedRows skipping) {
        TrainingData usable = usableRows(options, models, saved, skipping);
        if (heldOut != null) {
            return usable.with(heldOut.usableRows(options, models, null, skipping));
        }
        double share = options.validation().split();
        if (share == 0 || options.task() == Task.SFT_DATA_PROCESS) {
            return usable;
        }
        DatasetRecord record = saved == null ? null : saved.dataset();
        return usable.split(record == null ? usable.chosen(share, skipping.group()) : Set.copyOf(record.heldOut()));
    }

    private TrainingData with(TrainingData validation) {
        return new TrainingData(dataset, cached, history, draws, validation);
    }

    /// Chooses the rows that a split holds out. Each process reads a share of the rows.
    ///
    /// @return their indices in the metadata file
    private Set<Integer> chosen(double share, ProcessGroup group) {
        double[] flags = new double[dataset.rows().size()];
        for (int row = group.rank(); row < flags.length; row += group.size()) {
            flags[row] = HeldOutRow.isChosen(digest(row), share) ? 1 : 0;
        }
        double[] all = group.sum(flags);
        List<Integer> indices = dataset.indices();
        Set<Integer> chosen = new TreeSet<>();
        for (int row = 0; row < all.length; row++) {
            if (all[row] > 0) {
                chosen.add(indices.get(row));
            }
        }
        if (chosen.isEmpty() || chosen.size() == all.length) {
            throw new InvalidRequestException(
                    "validation_split",
                    "%s holds out %s of the %s rows, which are chosen by a hash of their content; give another share, or name the rows to measure by --validation_metadata_path"
                            .formatted(share, chosen.isEmpty() ? "none" : "all", all.length));
        }
        return chosen;
    }

    private String digest(int row) {
        return cached == null
                ? history.digest(dataset.rows().get(row))
                : cached.digests().get(row);
    }

    private TrainingData split(Set<Integer> indices) {
        Dataset.Split split = dataset.split(indices);
        if (cached != null) {
            return of(cached.select(split.training()), of(cached.select(split.heldOut()), null));
        }
        return new TrainingData(
                split.training(),
                null,
                history.of(split.training()),
                draws,
                new TrainingData(split.heldOut(), null, history.of(split.heldOut()), draws, null));
    }

    /// Lists the rows with their digests, for a measurement.
    List<HeldOutRow> rows() {
        return IntStream.range(0, dataset.rows().size())
                .mapToObj(row -> new HeldOutRow(dataset.rows().get(row), digest(row)))
                .toList();
    }

    private TrainingData usableRows(
            TrainOptions options, TrainModels models, @Nullable SavedState saved, SkippedRows skipping) {
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
                check(left, models),
                null);
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

        /// The history of a part of the dataset.
        DatasetHistory of(Dataset part) {
            DatasetHistory history = new DatasetHistory(part, earlier);
            history.digests.putAll(digests);
            return history;
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
            return new DatasetRecord(used, dataset.bad(), dataset.heldOut());
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
