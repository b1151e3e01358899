package io.stencil.train.split;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.json.Json;
import io.stencil.pipeline.Conditioning;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.Device;
import io.stencil.tensor.TensorFiles;
import io.stencil.train.step.SampleEncodings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// One sample of a cache: tensors, and under the metadata key `json` all else.
///
/// The tensors are `latents` `[1, 128, H/16, W/16]`, `reference.N.latents` and `reference.N.ids`, `prompt_embeds`
/// `[1, St, joint]`, and `processed.NAME` for what the Template's `processInputs` made.
final class SampleFile implements AutoCloseable {

    private static final String JSON = "json";
    private static final String LATENTS = "latents";
    private static final String PROMPT_EMBEDS = "prompt_embeds";
    private static final String PROCESSED = "processed.";

    private final SafetensorsFile file;
    private final JsonNode json;

    private SampleFile(SafetensorsFile file, JsonNode json) {
        this.file = file;
        this.json = json;
    }

    /// @throws IOException when it cannot be written; nothing is there then
    static void write(Path target, CachedRow row, SampleEncodings sample) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Conditioning.Images images = sample.conditioning().images();
        tensors.put(LATENTS, Objects.requireNonNull(images.latents()));
        for (int i = 0; i < images.references().size(); i++) {
            ImageTokens reference = images.references().get(i);
            tensors.put(reference(i, LATENTS), reference.latents());
            tensors.put(reference(i, "ids"), reference.ids());
        }
        tensors.put(PROMPT_EMBEDS, sample.conditioning().promptEmbeds());
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.set("row", Json.MAPPER.valueToTree(row));
        json.put("references", images.references().size());
        PreparedInput<?> prepared = sample.prepared();
        if (prepared != null) {
            Map<String, Tensor> processed = new LinkedHashMap<>();
            json.set("processed", prepared.store(processed));
            processed.forEach((name, tensor) -> tensors.put(PROCESSED + name, tensor));
        }
        TensorFiles.write(target, tensors, Map.of(JSON, json.toString()));
    }

    /// Writes the embeddings of a prompt alone.
    static void writePrompt(Path target, Tensor promptEmbeds) throws IOException {
        TensorFiles.write(target, Map.of(PROMPT_EMBEDS, promptEmbeds), Map.of(JSON, "{}"));
    }

    /// @throws InvalidFileException when it is absent or not what [#write] wrote
    static SampleFile open(Path path) {
        SafetensorsFile file = SafetensorsFile.open(path);
        try {
            return new SampleFile(file, Json.MAPPER.readTree(file.metadata().getOrDefault(JSON, "")));
        } catch (JsonProcessingException e) {
            file.close();
            throw new InvalidFileException(path, "holds no sample: its metadata key 'json' is not JSON");
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /// Brings its content into memory, so that who takes tensors of it need not wait for the disk.
    void load() {
        file.load();
    }

    private static String reference(int index, String what) {
        return "reference.%s.%s".formatted(index, what);
    }

    CachedRow row() {
        try {
            return Json.MAPPER.treeToValue(json.path("row"), CachedRow.class);
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new InvalidFileException(file.path(), "holds no sample: " + e.getMessage());
        }
    }

    /// @return owned by the caller's scope, as all tensors of this class
    Tensor promptEmbeds(Device device) {
        return tensor(PROMPT_EMBEDS, device);
    }

    Conditioning.Images images(Device device) {
        Tensor latents = tensor(LATENTS, device);
        List<ImageTokens> references = new ArrayList<>();
        for (int i = 0; i < json.path("references").asInt(); i++) {
            references.add(
                    new ImageTokens(tensor(reference(i, LATENTS), device), tensor(reference(i, "ids"), Device.CPU)));
        }
        return new Conditioning.Images(latents, references);
    }

    /// @throws InvalidFileException when the sample was encoded without a Template
    PreparedInput<?> prepared(LoadedTemplate<?, ?> template, Device device) {
        JsonNode processed = json.get("processed");
        if (processed == null) {
            throw new InvalidFileException(
                    file.path(), "was encoded without a Template; process the dataset anew with this one");
        }
        return template.restore(processed, name -> tensor(PROCESSED + name, device));
    }

    private Tensor tensor(String name, Device device) {
        return device.place(TensorFiles.view(file, name).clone());
    }

    @Override
    public void close() {
        file.close();
    }
}
