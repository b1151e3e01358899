package io.stencil.train.split;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.Device;
import io.stencil.train.data.BatchPlan;
import io.stencil.train.data.DataOrder;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.options.TrainOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The dataset of a training that reads encoded samples.
///
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

    /// The rows; their pictures are not decoded, and need not be there.
    public Dataset dataset() {
        return dataset;
    }

    /// Opens the cache in the options' `dataset_base_path`.
    ///
    /// @throws io.stencil.error.InvalidRequestException when it is none, or not complete
    /// @throws InvalidFileException when the index is broken or a sample is missing
    public static CachedDataset open(TrainOptions options) {
        CacheFolder cache = new CacheFolder(options.data().basePath());
        List<DatasetRow> rows = new ArrayList<>();
        List<CachedRow> samples = cache.rows();
        for (CachedRow row : samples) {
            Path sample = cache.sample(row.sample());
            if (!Files.isRegularFile(sample)) {
                throw new InvalidFileException(
                        cache.index(),
                        "names %s, which is not there; encode the dataset anew into another folder".formatted(sample));
            }
            rows.add(new DatasetRow(Path.of(row.image()), row.prompt(), List.of(), null, Location.of(sample)));
        }
        if (rows.isEmpty()) {
            throw new InvalidFileException(cache.index(), "names no samples");
        }
        return new CachedDataset(
                cache,
                new Dataset(rows, List.of(), cache.folder(), options.data().size()),
                samples);
    }

    /// Refuses a cache that was made by other models, or by another Template, than those that train.
    ///
    /// @param frozenWeights hash of what of the Template is not trained, or null when none takes part
    /// @throws io.stencil.error.InvalidRequestException naming the difference
    public void requireMadeWith(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        CacheOrigin.ofTraining(options, models, frozenWeights)
                .requireSameAs(cache.origin(), cache.folder(), CacheOrigin.Extent.KNOWN);
    }

    /// Batches of rows whose pictures had one size when they were encoded.
    public BatchPlan batches(DataOrder order, int batchSize) {
        return BatchPlan.of(samples.stream().map(CachedRow::size).toList(), order, batchSize);
    }

    /// What the rows were encoded to, on a device.
    ///
    /// @param workers threads that read files ahead
    public StoredEncodings encodings(Device device, int workers) {
        return new StoredEncodings(cache, dataset.rows(), samples, device, workers);
    }
}
