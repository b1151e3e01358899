package io.stencil.train.step;

import io.stencil.pipeline.Conditioning;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.OwnedTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// What the frozen VAE and text encoder made of samples, in memory, so that later epochs need neither: latents and a
/// Template's processed inputs by row, prompt embeddings by text.
///
/// Float32 takes 8 kB for the latents of 64 x 64 pixels, and a prompt of 32 tokens of 192 channels 24 kB.
public final class EncodingCache implements Encodings, AutoCloseable {

    private final IdentityHashMap<Object, OwnedImages> pictures = new IdentityHashMap<>();
    private final Map<String, OwnedTensor> prompts = new HashMap<>();
    private final IdentityHashMap<Object, PreparedInput<?>> prepared = new IdentityHashMap<>();
    private final List<OwnedTensor> preparedTensors = new ArrayList<>();

    @Override
    public Conditioning.@Nullable Images images(@Nullable Object key) {
        OwnedImages images = key == null ? null : pictures.get(key);
        return images == null ? null : images.get();
    }

    @Override
    public @Nullable Tensor promptEmbeds(@Nullable Object key, String prompt) {
        OwnedTensor embeds = prompts.get(prompt);
        return embeds == null ? null : embeds.get();
    }

    @Override
    public void keep(@Nullable Object key, String prompt, Conditioning conditioning) {
        if (key != null) {
            pictures.computeIfAbsent(key, _ -> OwnedImages.of(conditioning.images()));
        }
        prompts.computeIfAbsent(prompt, _ -> new OwnedTensor(conditioning.promptEmbeds()));
    }

    @Override
    public @Nullable PreparedInput<?> prepared(@Nullable Object key, LoadedTemplate<?, ?> template) {
        return key == null ? null : prepared.get(key);
    }

    @Override
    public void keepPrepared(@Nullable Object key, PreparedInput<?> input) {
        if (key != null) {
            prepared.put(key, input.map(this::owned));
        }
    }

    private Tensor owned(Tensor tensor) {
        OwnedTensor owned = new OwnedTensor(tensor.contiguous());
        preparedTensors.add(owned);
        return owned.get();
    }

    /// Whether what the VAE made of a row's pictures is kept.
    public boolean hasPicture(Object key) {
        return pictures.containsKey(key);
    }

    /// Rows whose pictures are kept.
    public int pictureCount() {
        return pictures.size();
    }

    /// Prompts that are kept.
    public int promptCount() {
        return prompts.size();
    }

    @Override
    public void close() {
        pictures.values().forEach(OwnedImages::close);
        prompts.values().forEach(OwnedTensor::close);
        preparedTensors.forEach(OwnedTensor::close);
        pictures.clear();
        prepared.clear();
        preparedTensors.clear();
        prompts.clear();
    }
}
