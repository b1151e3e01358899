package io.stencil.train.step;

import io.stencil.pipeline.stage.Ports;
import io.stencil.pipeline.stage.ReferenceTokens;
import io.stencil.pipeline.unit.PipelineUnit;
import io.stencil.pipeline.unit.PortValues;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.PreparedInput;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
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

    private final IdentityHashMap<Object, OwnedPicture> pictures = new IdentityHashMap<>();
    private final Map<String, OwnedTensor> prompts = new HashMap<>();
    private final IdentityHashMap<Object, PreparedInput<?>> prepared = new IdentityHashMap<>();
    private final List<OwnedTensor> preparedTensors = new ArrayList<>();

    @Override
    public List<PipelineUnit> restore(
            List<PipelineUnit> units, @Nullable Object key, String prompt, PortValues shared, PortValues side) {
        OwnedPicture picture = key == null ? null : pictures.get(key);
        OwnedTensor embeds = prompts.get(prompt);
        if (picture != null) {
            picture.putInto(shared);
        }
        if (embeds != null) {
            side.set(Ports.PROMPT_EMBEDS, embeds.get());
        }
        return units.stream()
                .filter(unit -> switch (unit.declaration().sides()) {
                    case SHARED -> picture == null;
                    case EACH -> embeds == null;
                })
                .toList();
    }

    @Override
    public void keep(@Nullable Object key, String prompt, PortValues shared, PortValues side) {
        try (Scope _ = new Scope()) {
            if (key != null && !pictures.containsKey(key)) {
                pictures.put(
                        key,
                        OwnedPicture.of(
                                shared.get(Ports.INPUT_LATENTS).contiguous(),
                                shared.find(Ports.REFERENCES)
                                        .orElse(ReferenceTokens.none())
                                        .images()));
            }
            if (!prompts.containsKey(prompt)) {
                prompts.put(prompt, new OwnedTensor(side.get(Ports.PROMPT_EMBEDS)));
            }
        }
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
        pictures.values().forEach(OwnedPicture::close);
        prompts.values().forEach(OwnedTensor::close);
        preparedTensors.forEach(OwnedTensor::close);
        pictures.clear();
        prepared.clear();
        preparedTensors.clear();
        prompts.clear();
    }
}
