package io.stencil.train.split;

import io.stencil.error.InvalidFileException;
import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.Device;
import io.stencil.train.data.DatasetRow;
import io.stencil.train.data.Prefetch;
import io.stencil.train.step.Encodings;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Encodings that an earlier stage put into files, which are read ahead where there are threads for it. The tensors
/// that it gives are owned by the scope of who asks.
public final class StoredEncodings implements Encodings, AutoCloseable {

    private final CacheFolder folder;
    private final Device device;
    private final IdentityHashMap<DatasetRow, CachedRow> samples = new IdentityHashMap<>();
    private final Prefetch<SampleFile> files;

    /// @param rows in the order of the cache; they are the keys
    /// @param samples of the rows
    /// @param workers threads that read files ahead
    StoredEncodings(CacheFolder folder, List<DatasetRow> rows, List<CachedRow> samples, Device device, int workers) {
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

    /// Tells what will be asked for next; files of other rows are closed.
    public void expect(List<DatasetRow> next) {
        files.expect(next);
    }

    @Override
    public Conditioning.Images images(@Nullable Object key) {
        return sample(key).images(device);
    }

    @Override
    public Tensor promptEmbeds(@Nullable Object key, String prompt) {
        SampleFile sample = sample(key);
        if (prompt.equals(sample.row().prompt())) {
            return sample.promptEmbeds(device);
        }
        if (!prompt.isEmpty()) {
            throw new IllegalStateException("the prompt '%s' was not encoded".formatted(prompt));
        }
        try (SampleFile empty = SampleFile.open(folder.emptyPrompt())) {
            return empty.promptEmbeds(device);
        }
    }

    private SampleFile sample(@Nullable Object key) {
        return files.get((DatasetRow) Objects.requireNonNull(key));
    }

    @Override
    public PreparedInput<?> prepared(@Nullable Object key, LoadedTemplate<?, ?> template) {
        return sample(key).prepared(template, device);
    }

    @Override
    public void keep(@Nullable Object key, String prompt, Conditioning conditioning) {
        throw new IllegalStateException("all samples are encoded already");
    }

    @Override
    public void keepPrepared(@Nullable Object key, PreparedInput<?> input) {
        throw new IllegalStateException("all samples are encoded already");
    }

    @Override
    public void close() {
        files.close();
    }
}
