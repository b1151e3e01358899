package io.stencil.train.checkpoint;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.json.Json;
import io.stencil.json.JsonFile;
import io.stencil.json.JsonReason;
import io.stencil.safetensors.SafetensorsFile;
import io.stencil.tensor.Scope;
import io.stencil.tensor.TensorFiles;
import io.stencil.tensor.Tensors;
import io.stencil.train.data.Dataset.BadRow;
import io.stencil.train.validation.BestValidation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Writes and reads the state of a run after some step, `step-N.state/`: a folder with `trainer.json`,
/// `trainer.safetensors` and, where it learns from images, `dataset.json`.
///
/// The folder gets its name when all of it is on the disk, so that a state is complete or absent.
///
/// @param folder of the state
/// @param options of the run
/// @param dataset rows that the run has used, or null where no record is kept
/// @param checksum CRC-32C of the tensors' file; null in a state of an earlier version
public record SavedState(
        Path folder,
        Progress progress,
        RunOptions options,
        @Nullable DatasetRecord dataset,
        @Nullable String checksum) {

    private static final int FORMAT = 1;
    private static final String TRAINER = "trainer.json";
    private static final String CHECKSUM = "tensors_crc32c";
    private static final String TENSORS = "trainer.safetensors";
    private static final String DATASET = "dataset.json";
    private static final String REMEDY =
            "it was changed since it was written: restore it, or train anew into another folder";

    /// Writes a state as a whole.
    ///
    /// @param dataset rows that the run has used, or null where no record is kept
    /// @throws InvalidFileException when it cannot be written; nothing of it is there then
    public static void write(
            Path folder,
            Progress progress,
            RunOptions options,
            @Nullable DatasetRecord dataset,
            Map<String, Tensor> tensors) {
        ObjectNode root = Json.MAPPER.createObjectNode();
        root.put("format", FORMAT);
        root.set("progress", Json.MAPPER.valueToTree(progress));
        root.set("options", options.json());
        try {
            String record =
                    dataset == null ? null : Json.MAPPER.valueToTree(dataset).toPrettyString() + "\n";
            AtomicFolder.write(folder, into -> {
                TensorFiles.write(into.resolve(TENSORS), tensors, Map.of("format", "pt"));
                root.put(CHECKSUM, checksum(into.resolve(TENSORS)));
                if (record != null) {
                    AtomicFile.writeText(into.resolve(DATASET), record);
                }
                AtomicFile.writeText(into.resolve(TRAINER), root.toPrettyString() + "\n");
            });
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot be written: " + e, e);
        }
    }

    /// Reads what is no tensor.
    ///
    /// @throws InvalidFileException when it is not what [#write] wrote
    public static SavedState read(Path folder) {
        Path file = folder.resolve(TRAINER);
        JsonNode root = JsonFile.read(file);
        if (root.path("format").asInt() != FORMAT) {
            throw new InvalidFileException(
                    Location.of(file).field("format"),
                    "must be %s, found %s: another version of Stencil wrote it".formatted(FORMAT, root.path("format")));
        }
        if (!(root.get("options") instanceof ObjectNode options)) {
            throw new InvalidFileException(Location.of(file).field("options"), "must be an object");
        }
        try {
            return new SavedState(
                    folder,
                    Json.MAPPER.treeToValue(
                            completed(root.path("progress"), "validation", BestValidation.none("")), Progress.class),
                    new RunOptions(options),
                    dataset(folder.resolve(DATASET)),
                    root.path(CHECKSUM).textValue());
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(
                    Location.of(file).field("progress"),
                    "cannot be read: %s; %s".formatted(JsonReason.ofBinding(e, root.path("progress")), REMEDY),
                    e);
        }
    }

    private static @Nullable DatasetRecord dataset(Path file) {
        if (!Files.exists(file)) {
            return null;
        }
        JsonNode record = JsonFile.read(file);
        try {
            return Json.MAPPER.treeToValue(completed(record, "held_out", List.of()), DatasetRecord.class);
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(
                    Location.of(file), "cannot be read: %s; %s".formatted(JsonReason.ofBinding(e, record), REMEDY), e);
        }
    }

    /// Adds a field that a state of an earlier version lacks.
    private static JsonNode completed(JsonNode record, String field, Object value) {
        if (!(record instanceof ObjectNode object) || object.has(field)) {
            return record;
        }
        return object.deepCopy().set(field, Json.MAPPER.valueToTree(value));
    }

    private static String checksum(Path file) throws IOException {
        CRC32C checksum = new CRC32C();
        ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20);
        try (FileChannel channel = FileChannel.open(file)) {
            while (channel.read(bytes) >= 0) {
                checksum.update(bytes.flip());
                bytes.clear();
            }
        }
        return Long.toHexString(checksum.getValue());
    }

    /// Checks the tensors' file: it is whole, holds what was written, and nothing in it is NaN or infinite.
    ///
    /// @throws InvalidFileException when it is damaged
    public void requireUndamaged() {
        try (SafetensorsFile file = SafetensorsFile.open(tensors());
                Scope _ = new Scope()) {
            String found = checksum == null ? null : checksum(tensors());
            if (!Objects.equals(found, checksum)) {
                throw new InvalidFileException(
                        tensors(), "has the CRC-32C %s, but %s was written: it is damaged".formatted(found, checksum));
            }
            Map<String, Tensor> all = new LinkedHashMap<>();
            file.entries().keySet().forEach(name -> all.put(name, TensorFiles.view(file, name)));
            Tensors.firstNonFinite(all).ifPresent(name -> {
                throw new InvalidFileException(
                        Location.of(tensors()).field(name), "holds NaN or infinity, from which no run can go on");
            });
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(tensors()), "cannot be read: " + e, e);
        }
    }

    /// Whether it lies within an update: it holds gradients.
    ///
    /// @throws InvalidFileException when it cannot be read
    public boolean isWithinUpdate() {
        try (SafetensorsFile file = SafetensorsFile.open(tensors())) {
            return file.entries().keySet().stream().anyMatch(name -> name.startsWith("gradient."));
        }
    }

    /// The file with the tensors.
    public Path tensors() {
        return folder.resolve(TENSORS);
    }

    /// Records the rows that a run has used: `dataset.json` of a state.
    ///
    /// @param digests of the content of the rows that the run has used ([io.stencil.train.data.RowDigest]), by their
    ///     index in the metadata file
    /// @param skipped rows that the run leaves out
    /// @param heldOut indices in the metadata file of the rows that validation holds out
    public record DatasetRecord(
            @JsonProperty("digests") Map<Integer, String> digests,
            @JsonProperty("skipped") List<BadRow> skipped,
            @JsonProperty("held_out") List<Integer> heldOut) {

        public DatasetRecord {
            digests = new TreeMap<>(digests);
            skipped = List.copyOf(skipped);
            heldOut = List.copyOf(heldOut);
        }
    }

    /// How far a run has come: all of its state that is not a tensor.
    ///
    /// What follows from these numbers is not stored: epoch and place in the data from the steps, the learning rate
    /// from the updates, the order of the data from the seed.
    ///
    /// @param step steps that are done
    /// @param updates of the weights that are done
    /// @param seed of noise, timesteps, caption dropout and data order
    /// @param captionDraws decisions of caption dropout that were made
    /// @param averageUpdates that the average of the weights took in; 0 without one
    /// @param parameterUpdates what the optimizer has counted for each parameter, by full name
    /// @param lastLoss of the last step
    /// @param seconds that training took
    /// @param validation the best validation
    public record Progress(
            long step,
            long updates,
            long seed,
            long captionDraws,
            long averageUpdates,
            Map<String, Long> parameterUpdates,
            double lastLoss,
            double seconds,
            BestValidation validation) {

        public Progress {
            parameterUpdates = Map.copyOf(parameterUpdates);
        }

        /// The same progress with a validation that came after its step.
        public Progress with(BestValidation later) {
            return new Progress(
                    step, updates, seed, captionDraws, averageUpdates, parameterUpdates, lastLoss, seconds, later);
        }
    }
}
