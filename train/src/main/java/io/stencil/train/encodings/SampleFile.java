package io.stencil.train.encodings;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.flux2.transformer.ImageTokens;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.pipeline.Conditioning;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.template.load.LoadedTemplate;
import io.stencil.template.load.LoadedTemplate.PreparedInput;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Reads and writes one sample of a cache: tensors, under the metadata key `json` all else, and under `crc32c` a
/// checksum of both. A file of an earlier version has no checksum and is read without its check.
///
/// The tensors are `latents` `[1, 128, H/16, W/16]`, `reference.N.latents` and `reference.N.ids`, `prompt_embeds`
/// `[1, St, joint]`, `mask` `[1, S, 1]` where a part of the image counts in the loss, and `processed.NAME` for what the
/// Template's `processInputs` made.
final class SampleFile implements AutoCloseable {

    private static final String REMEDY = "run --task sft:data_process again, which encodes it anew";

    /// Bytes of a tensor that are checksummed at once; a buffer cannot be larger than 2 GiB.
    private static final long PIECE = 1 << 26;

    private static final String JSON = "json";
    private static final String CHECKSUM = "crc32c";
    private static final String LATENTS = "latents";
    private static final String MASK = "mask";
    private static final String PROMPT_EMBEDS = "prompt_embeds";
    private static final String PROCESSED = "processed.";

    private final SafetensorsFile file;
    private final JsonNode json;

    private SampleFile(SafetensorsFile file, JsonNode json) {
        this.file = file;
        this.json = json;
    }

    /// @throws IOException when it cannot be written; nothing is there then
    static void write(Path target, CachedRow row, Encoded sample) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Conditioning.Images images = sample.conditioning().images();
        tensors.put(LATENTS, Objects.requireNonNull(images.latents()));
        for (int i = 0; i < images.references().size(); i++) {
            ImageTokens reference = images.references().get(i);
            tensors.put(reference(i, LATENTS), reference.latents());
            tensors.put(reference(i, "ids"), reference.ids());
        }
        tensors.put(PROMPT_EMBEDS, sample.conditioning().promptEmbeds());
        if (sample.mask() != null) {
            tensors.put(MASK, sample.mask());
        }
        ObjectNode json = Json.MAPPER.createObjectNode();
        json.set("row", Json.MAPPER.valueToTree(row));
        json.put("references", images.references().size());
        PreparedInput<?> prepared = sample.prepared();
        if (prepared != null) {
            Map<String, Tensor> processed = new LinkedHashMap<>();
            json.set("processed", prepared.store(processed));
            processed.forEach((name, tensor) -> tensors.put(PROCESSED + name, tensor));
        }
        write(target, tensors, json);
    }

    /// Writes the embeddings of a prompt alone.
    static void writePrompt(Path target, Tensor promptEmbeds) throws IOException {
        write(target, Map.of(PROMPT_EMBEDS, promptEmbeds), Json.MAPPER.createObjectNode());
    }

    private static void write(Path target, Map<String, Tensor> tensors, ObjectNode json) throws IOException {
        try (Scope _ = new Scope()) {
            Map<String, Tensor> plain = new LinkedHashMap<>(); // brought to the CPU once
            tensors.forEach((name, tensor) ->
                    plain.put(name, Device.CPU.place(tensor.detach()).contiguous()));
            String text = json.toString();
            CRC32C checksum = begin(text);
            for (String name : new TreeSet<>(plain.keySet())) {
                update(checksum, name);
                update(checksum, Objects.requireNonNull(plain.get(name)));
            }
            TensorFiles.write(target, plain, Map.of(JSON, text, CHECKSUM, text(checksum)));
        }
    }

    /// Begins the CRC-32C of the JSON, then of the name and the content of each tensor in the order of their names.
    private static CRC32C begin(String json) {
        CRC32C checksum = new CRC32C();
        update(checksum, json);
        return checksum;
    }

    private static void update(CRC32C checksum, String text) {
        checksum.update(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void update(CRC32C checksum, Tensor plain) {
        long count = plain.numel();
        long elements = PIECE / Long.BYTES; // of the widest dtype
        Tensor flat = plain.reshape(-1);
        for (long at = 0; at < count; at += elements) {
            try (Scope _ = new Scope()) {
                checksum.update(Tensors.rawBytes(flat.narrow(0, at, Math.min(elements, count - at))));
            }
        }
    }

    private static void update(CRC32C checksum, MemorySegment bytes) {
        long size = bytes.byteSize();
        for (long at = 0; at < size; at += PIECE) {
            checksum.update(bytes.asSlice(at, Math.min(PIECE, size - at)).asByteBuffer());
        }
    }

    private static String text(CRC32C checksum) {
        return Long.toHexString(checksum.getValue());
    }

    /// Reads the whole file and compares its checksum.
    ///
    /// @throws InvalidFileException when it is damaged
    void requireUndamaged() {
        String expected = file.metadata().get(CHECKSUM);
        if (expected == null) {
            return;
        }
        CRC32C checksum = begin(file.metadata().getOrDefault(JSON, ""));
        for (String name : new TreeSet<>(file.entries().keySet())) {
            update(checksum, name);
            update(checksum, file.segment(name));
        }
        String found = text(checksum);
        if (!found.equals(expected)) {
            throw new InvalidFileException(
                    file.path(),
                    "has the CRC-32C %s, but %s was written: it is damaged; delete it and run --task sft:data_process again, which encodes it anew"
                            .formatted(found, expected));
        }
    }

    /// @throws InvalidFileException when it is absent or not what [#write] wrote
    static SampleFile open(Path path) {
        SafetensorsFile file = SafetensorsFile.open(path);
        try {
            return new SampleFile(file, Json.MAPPER.readTree(file.metadata().getOrDefault(JSON, "")));
        } catch (JsonProcessingException e) {
            file.close();
            throw new InvalidFileException(
                    Location.of(path), "holds no sample: its metadata key 'json' is not JSON; " + REMEDY, e);
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

    /// Reads a row from its JSON.
    ///
    /// @throws JsonProcessingException when a field is absent, unknown or of another type
    static CachedRow row(JsonNode row) throws JsonProcessingException {
        if (!row.isObject()) {
            throw MismatchedInputException.from(null, CachedRow.class, "not an object");
        }
        return Json.MAPPER.treeToValue(row, CachedRow.class);
    }

    /// Returns the row of the sample.
    ///
    /// @throws InvalidFileException when the file has none
    CachedRow row() {
        try {
            return row(json.path("row"));
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(
                    Location.of(file.path()),
                    "holds no sample: %s; %s".formatted(JsonReason.ofBinding(e, json.path("row")), REMEDY),
                    e);
        }
    }

    /// @return owned by the caller's scope, as all tensors of this class
    Tensor promptEmbeds(Device device) {
        return tensor(PROMPT_EMBEDS, device);
    }

    /// Returns the mask of the loss, or null where the whole image counts.
    @Nullable
    Tensor mask(Device device) {
        return file.entries().containsKey(MASK) ? tensor(MASK, device) : null;
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

    /// What is known of a sample without its tensors.
    ///
    /// @param sample number of the file
    /// @param digest of all that the sample was made of ([io.stencil.train.data.RowDigest])
    /// @param origin file and line of the row, for messages
    /// @param image path of its image, for people
    /// @param prompt whose embeddings are kept
    /// @param size of the image and of the edit images; samples of one batch have one size
    record CachedRow(
            @JsonProperty("sample") int sample,
            @JsonProperty("digest") String digest,
            @JsonProperty("origin") String origin,
            @JsonProperty("image") String image,
            @JsonProperty("prompt") String prompt,
            @JsonProperty("size") String size) {}
}
