package io.stencil.train.split;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.image.ImageSize;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.train.data.Dataset;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.TrainingSample;
import io.stencil.train.options.TrainOptions;
import io.stencil.train.step.SampleEncodings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Fills a cache. Each file is there as a whole or not at all, so that a stopped run goes on where it was.
public final class CacheWriter {

    private final CacheFolder cache;

    private CacheWriter(CacheFolder cache) {
        this.cache = cache;
    }

    /// Begins a cache in the options' `output_path`, or goes on with the one that is there.
    ///
    /// @param frozenWeights hash of what of the Template is not trained, or null when none takes part
    /// @throws io.stencil.error.InvalidRequestException when the folder holds something else, or what is encoded or by
    ///     what differs
    public static CacheWriter begin(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        CacheFolder cache = new CacheFolder(options.output().folder());
        cache.begin(CacheOrigin.of(options, models, frozenWeights));
        return new CacheWriter(cache);
    }

    /// Works on a cache that another process of the same run has begun.
    ///
    /// @throws io.stencil.error.InvalidRequestException when it cannot be seen from here, or is of another origin
    public static CacheWriter join(TrainOptions options, ModelSet models, @Nullable String frozenWeights) {
        CacheFolder cache = new CacheFolder(options.output().folder());
        cache.join(CacheOrigin.of(options, models, frozenWeights));
        return new CacheWriter(cache);
    }

    /// Whether the row is encoded.
    public boolean has(int row) {
        return Files.isRegularFile(cache.sample(row));
    }

    /// Writes one row.
    ///
    /// @param pictures whose sizes are kept with it
    /// @param sample its tensors, which stay the caller's
    /// @throws InvalidFileException when the file cannot be written
    public void write(int index, DatasetRow row, TrainingSample pictures, SampleEncodings sample) {
        CachedRow known =
                new CachedRow(index, row.location().toString(), row.image().toString(), row.prompt(), sizes(pictures));
        Path file = cache.sample(index);
        try {
            SampleFile.write(file, known, sample);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static String sizes(TrainingSample sample) {
        return Stream.concat(Stream.of(sample.image()), sample.editImages().stream())
                .map(picture -> picture.size())
                .map(CacheWriter::text)
                .collect(Collectors.joining("+"));
    }

    private static String text(ImageSize size) {
        return size.width() + "x" + size.height();
    }

    /// Whether the prompt is encoded that samples without one get.
    public boolean hasEmptyPrompt() {
        return Files.isRegularFile(cache.emptyPrompt());
    }

    /// Writes the prompt that samples without one get.
    ///
    /// @param embeds of the empty prompt, `[1, St, joint]`
    /// @throws InvalidFileException when the file cannot be written
    public void writeEmptyPrompt(Tensor embeds) {
        try {
            SampleFile.writePrompt(cache.emptyPrompt(), embeds);
        } catch (IOException e) {
            throw unwritable(cache.emptyPrompt(), e);
        }
    }

    /// Makes the cache complete.
    ///
    /// @throws InvalidFileException when a row is missing, or the index cannot be written
    public void finish(Dataset dataset) {
        List<CachedRow> rows = new ArrayList<>();
        for (int i = 0; i < dataset.rows().size(); i++) {
            try (SampleFile sample = SampleFile.open(cache.sample(i))) {
                rows.add(sample.row());
            }
        }
        cache.finish(rows);
    }

    private static InvalidFileException unwritable(Path file, IOException e) {
        return new InvalidFileException(Location.of(file), "cannot be written: " + e, e);
    }
}
