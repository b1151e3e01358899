package io.stencil.train.encodings;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.pipeline.Conditioning;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.Device;
import io.stencil.train.data.BatchSampler;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.encodings.SampleFile.CachedRow;
import io.stencil.train.options.TrainOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Opens the dataset of a training that reads encoded samples.
public final class CachedDataset {

    private final CacheFolder cache;
    private final Dataset dataset;
    private final List<CachedRow> samples;

    /// @param samples in the order of the dataset's rows
    private CachedDataset(CacheFolder cache, Dataset dataset, List<CachedRow> samples) {
        this.cache = cache;
        this.dataset = dataset;
        this.samples = List.copyOf(samples);
    }

    /// Returns the rows; their images are not decoded, and need not exist.
    public Dataset dataset() {
        return dataset;
    }

    /// Opens the cache in the options' `dataset_base_path`.
    ///
    /// @throws io.stencil.error.InvalidRequestException when it is none, or not complete
    /// @throws InvalidFileException when the index is broken or a sample is missing
    public static CachedDataset open(TrainOptions options) {
        return open(options, options.data().basePath());
    }

    /// Opens the cache in another folder.
    public static CachedDataset open(TrainOptions options, Path folder) {
        CacheFolder cache = new CacheFolder(folder);
        List<DatasetRow> rows = new ArrayList<>();
        List<CachedRow> samples = cache.rows();
        List<Double> weights = cache.weights();
        if (!weights.isEmpty() && weights.size() != samples.size()) {
            throw new InvalidFileException(
                    cache.index(),
                    "has %s weights for %s rows; run --task sft:data_process again, which writes it anew"
                            .formatted(weights.size(), samples.size()));
        }
        for (CachedRow row : samples) {
            Path sample = cache.sample(row.sample());
            if (!Files.isRegularFile(sample)) {
                throw new InvalidFileException(
                        cache.index(),
                        "names %s, which is not there; encode the dataset anew into another folder".formatted(sample));
            }
            double weight = weights.isEmpty() ? 1 : weights.get(rows.size());
            rows.add(new DatasetRow(
                    Path.of(row.image()), row.prompt(), List.of(), null, weight, null, Location.of(sample)));
        }
        if (rows.isEmpty()) {
            throw new InvalidFileException(cache.index(), "names no samples");
        }
        return new CachedDataset(
                cache,
                new Dataset(rows, List.of(), List.of(), folder, options.data().size()),
                samples);
    }

    /// The SHA-256 of the content of each row.
    public List<String> digests() {
        return samples.stream().map(CachedRow::digest).toList();
    }

    /// Selects a part of the rows.
    ///
    /// @param part of this dataset
    public CachedDataset select(Dataset part) {
        return new CachedDataset(
                cache, part, part.indices().stream().map(samples::get).toList());
    }

    /// Refuses a cache that was made by other models, or by another Template, than those that train.
    ///
    /// @param frozenWeights hash of what of the Template is not trained, or null when none takes part
    /// @throws io.stencil.error.InvalidRequestException naming the difference
    public void requireMadeWith(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        CacheOrigin.ofTraining(options, models, frozenWeights)
                .requireSameAs(cache.origin(), cache.folder(), CacheOrigin.Extent.KNOWN);
    }

    /// Samples batches of rows whose images had one size when they were encoded.
    public BatchSampler batches(BatchSampler.Order order, int batchSize) {
        return BatchSampler.of(dataset, samples.stream().map(CachedRow::size).toList(), order, batchSize);
    }

    /// What the rows were encoded to, on a device.
    ///
    /// @param workers threads that read files ahead
    public StoredEncodings encodings(Device device, int workers) {
        return new StoredEncodings(cache, dataset.rows(), samples, device, workers);
    }

    /// Encodings that an earlier stage put into files, which are read ahead where there are threads for it. The tensors
    /// that it gives are owned by the scope of the caller.
    public static final class StoredEncodings implements Encodings, AutoCloseable {

        private final CacheFolder folder;
        private final Device device;
        private final IdentityHashMap<DatasetRow, CachedRow> samples = new IdentityHashMap<>();
        private final Prefetch<SampleFile> files;
        private boolean isEmptyPromptVerified;

        /// @param rows in the order of the cache; they are the keys
        /// @param samples of the rows
        /// @param workers threads that read files ahead
        StoredEncodings(
                CacheFolder folder, List<DatasetRow> rows, List<CachedRow> samples, Device device, int workers) {
            this.folder = folder;
            this.device = device;
            for (int i = 0; i < rows.size(); i++) {
                this.samples.put(rows.get(i), samples.get(i));
            }
            files = new Prefetch<>(this::open, SampleFile::close, workers);
        }

        private SampleFile open(DatasetRow row) {
            CachedRow expected = Objects.requireNonNull(samples.get(row));
            Path path = folder.sample(expected.sample());
            SampleFile file = SampleFile.open(path);
            try {
                if (!file.row().digest().equals(expected.digest())) {
                    throw new InvalidFileException(
                            path,
                            "holds another sample than %s names; run --task sft:data_process again"
                                    .formatted(CacheFolder.INDEX));
                }
                file.load();
                file.requireUndamaged();
                return file;
            } catch (RuntimeException e) {
                file.close();
                throw e;
            }
        }

        /// How many rows it wants to know behind those that are used next.
        public int ahead() {
            return files.ahead();
        }

        /// Announces upcoming rows; files of other rows are closed.
        public void expect(List<DatasetRow> next) {
            files.expect(next);
        }

        @Override
        public Conditioning.Images images(@Nullable DatasetRow row) {
            return sample(row).images(device);
        }

        @Override
        public @Nullable Tensor mask(@Nullable DatasetRow row) {
            return sample(row).mask(device);
        }

        @Override
        public Tensor promptEmbeds(@Nullable DatasetRow row, String prompt) {
            SampleFile sample = sample(row);
            if (prompt.equals(sample.row().prompt())) {
                return sample.promptEmbeds(device);
            }
            if (!prompt.isEmpty()) {
                throw new IllegalStateException("the prompt '%s' was not encoded".formatted(prompt));
            }
            try (SampleFile empty = SampleFile.open(folder.emptyPrompt())) {
                if (!isEmptyPromptVerified) { // once: the file is replaced as a whole or not at all
                    empty.requireUndamaged();
                    isEmptyPromptVerified = true;
                }
                return empty.promptEmbeds(device);
            }
        }

        private SampleFile sample(@Nullable DatasetRow row) {
            return files.get(Objects.requireNonNull(row));
        }

        @Override
        public PreparedInput<?> prepared(@Nullable DatasetRow row, LoadedTemplate<?, ?> template) {
            return sample(row).prepared(template, device);
        }

        @Override
        public void close() {
            files.close();
        }
    }
}
