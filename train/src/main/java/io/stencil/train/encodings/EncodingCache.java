package io.stencil.train.encodings;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.OwnedTensor;
import io.stencil.train.data.DatasetRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Caches encodings in memory, so that later epochs need neither VAE nor text encoder: latents, masks and the
/// Template's processed inputs by row, prompt embeddings by text.
///
/// Float32 takes 8 kB for the latents of 64 x 64 pixels, and a prompt of 32 tokens of 192 channels 24 kB.
public final class EncodingCache implements Encodings, AutoCloseable {

    private final IdentityHashMap<DatasetRow, Conditioning.Images> images = new IdentityHashMap<>();
    private final IdentityHashMap<DatasetRow, Tensor> masks = new IdentityHashMap<>();
    private final Map<String, Tensor> prompts = new HashMap<>();
    private final IdentityHashMap<DatasetRow, PreparedInput<?>> prepared = new IdentityHashMap<>();
    private final List<OwnedTensor> tensors = new ArrayList<>();

    @Override
    public Conditioning.@Nullable Images images(@Nullable DatasetRow row) {
        return row == null ? null : images.get(row);
    }

    @Override
    public @Nullable Tensor mask(@Nullable DatasetRow row) {
        return row == null ? null : masks.get(row);
    }

    @Override
    public @Nullable Tensor promptEmbeds(@Nullable DatasetRow row, String prompt) {
        return prompts.get(prompt);
    }

    @Override
    public void keep(@Nullable DatasetRow row, String prompt, Conditioning conditioning, @Nullable Tensor mask) {
        if (row != null && !images.containsKey(row)) {
            images.put(row, conditioning.images().map(this::owned));
            if (mask != null) {
                masks.put(row, owned(mask));
            }
        }
        prompts.computeIfAbsent(prompt, _ -> owned(conditioning.promptEmbeds()));
    }

    @Override
    public @Nullable PreparedInput<?> prepared(@Nullable DatasetRow row, LoadedTemplate<?, ?> template) {
        return row == null ? null : prepared.get(row);
    }

    @Override
    public void keepPrepared(@Nullable DatasetRow row, PreparedInput<?> input) {
        if (row != null) {
            prepared.put(row, input.map(tensor -> owned(tensor.contiguous())));
        }
    }

    private Tensor owned(Tensor tensor) {
        OwnedTensor owned = new OwnedTensor(tensor);
        tensors.add(owned);
        return owned.get();
    }

    /// Whether the encoded images of a row are cached.
    public boolean hasImages(DatasetRow row) {
        return images.containsKey(row);
    }

    /// Number of rows whose images are cached.
    public int imageCount() {
        return images.size();
    }

    /// Number of prompts that are cached.
    public int promptCount() {
        return prompts.size();
    }

    @Override
    public void close() {
        images.clear();
        masks.clear();
        prompts.clear();
        prepared.clear();
        tensors.forEach(OwnedTensor::close);
        tensors.clear();
    }
}
