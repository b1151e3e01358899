package io.stencil.train.resume;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.files.AtomicFile;
import io.stencil.files.AtomicFolder;
import io.stencil.json.JsonFile;
import io.stencil.tensor.TensorFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/// The state of a run after some step, `step-N.state/`: a folder with `trainer.json` and `trainer.safetensors`.
///
/// The folder gets its name when all of it is on the disk, so that a state is complete or absent.
///
/// @param folder of the state
/// @param options of the run, as [RunOptions] tells them
public record SavedState(Path folder, Progress progress, RunOptions options) {

    private static final int FORMAT = 1;
    private static final String TRAINER = "trainer.json";
    private static final String TENSORS = "trainer.safetensors";
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

    /// Writes a state as a whole.
    ///
    /// @throws InvalidFileException when it cannot be written; nothing of it is there then
    public static void write(Path folder, Progress progress, RunOptions options, Map<String, Tensor> tensors) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("format", FORMAT);
        root.set("progress", MAPPER.valueToTree(progress));
        root.set("options", options.json());
        try {
            String text = MAPPER.writeValueAsString(root) + "\n";
            AtomicFolder.write(folder, into -> {
                TensorFiles.write(into.resolve(TENSORS), tensors, Map.of("format", "pt"));
                AtomicFile.writeText(into.resolve(TRAINER), text);
            });
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a state cannot be put into JSON", e);
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
                    folder, MAPPER.treeToValue(root.path("progress"), Progress.class), new RunOptions(options));
        } catch (JsonProcessingException e) {
            throw new InvalidFileException(
                    Location.of(file).field("progress"), "cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    /// The file with the tensors.
    public Path tensors() {
        return folder.resolve(TENSORS);
    }
}
