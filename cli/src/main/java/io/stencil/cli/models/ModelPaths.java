package io.stencil.cli.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.Location;
import io.stencil.files.LocalPath;
import io.stencil.hub.provider.HubReference;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import io.stencil.pipeline.models.ModelFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads the value of `--model_paths`: a JSON list, or a plain path.
///
/// An entry of the list is a file, a pattern, the folder of one model, the folder of a whole model in Hugging Face
/// layout, the same of a hub as `ID:PATTERN`, or a list of the shards of one model.
public final class ModelPaths {

    /// Of the command line, for messages.
    public static final String OPTION = "model_paths";

    private static final String EXPECTED = "expected a JSON list such as [\"a.safetensors\", [\"shard1\", \"shard2\"]]";

    private final List<List<Path>> parts = new ArrayList<>();
    private final RemoteModels remote;
    private @Nullable Path tokenizer;

    private ModelPaths(RemoteModels remote) {
        this.remote = remote;
    }

    /// @throws InvalidRequestException when the text is malformed or names a file that is not there
    public static ModelFiles read(String text, RemoteModels remote) {
        ModelPaths paths = new ModelPaths(remote);
        String trimmed = text.strip();
        if (isJson(trimmed)) {
            paths.addAll(parse(trimmed));
        } else {
            paths.add(trimmed);
        }
        return new ModelFiles(paths.parts, paths.tokenizer);
    }

    /// What one entry names.
    static ModelFiles readEntry(String entry, RemoteModels remote) {
        ModelPaths paths = new ModelPaths(remote);
        paths.add(entry);
        return new ModelFiles(paths.parts, null);
    }

    /// The entries that are one text each.
    ///
    /// @throws InvalidRequestException when the text is malformed
    static List<String> entries(String text) {
        String trimmed = text.strip();
        if (!isJson(trimmed)) {
            return List.of(trimmed);
        }
        JsonNode root = parse(trimmed);
        List<String> entries = new ArrayList<>();
        if (root.isTextual()) {
            entries.add(root.textValue());
        }
        for (JsonNode entry : root) {
            if (entry.isTextual()) {
                entries.add(entry.textValue());
            }
        }
        return entries;
    }

    private static boolean isJson(String trimmed) {
        return trimmed.startsWith("[") || trimmed.startsWith("\"") || trimmed.startsWith("{");
    }

    private static JsonNode parse(String text) {
        try {
            return Json.MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new InvalidRequestException(
                    Location.ofField(OPTION), "is not JSON (%s); %s".formatted(JsonReason.of(e), EXPECTED), e);
        }
    }

    private void addAll(JsonNode root) {
        if (root.isTextual()) {
            add(root.textValue());
            return;
        }
        if (!root.isArray() || root.isEmpty()) {
            throw new InvalidRequestException(OPTION, EXPECTED + ", found " + root);
        }
        for (JsonNode entry : root) {
            if (entry.isTextual()) {
                add(entry.textValue());
            } else if (entry.isArray() && !entry.isEmpty()) {
                parts.add(shards(entry));
            } else {
                throw new InvalidRequestException(OPTION, "an entry must be a path or a list of paths, found " + entry);
            }
        }
    }

    private List<Path> shards(JsonNode entry) {
        List<Path> shards = new ArrayList<>();
        for (JsonNode shard : entry) {
            if (!shard.isTextual()) {
                throw new InvalidRequestException(OPTION, "a shard must be a path, found " + shard);
            }
            shards.addAll(FilePattern.weights(files(shard.textValue())));
        }
        return shards;
    }

    private void add(String entry) {
        if (isRemote(entry)) {
            OriginPath path = OriginPath.parse(OPTION, entry, remote);
            if (path.pattern().isEmpty() && isWholeModel(path.origin())) {
                addWhole(path.origin());
            } else {
                parts.add(path.weights());
            }
            return;
        }
        Path path = FilePattern.isGlob(entry) ? null : FilePattern.path(OPTION, entry);
        if (path != null && isWholeModel(path)) {
            addWhole(path);
        } else {
            parts.add(FilePattern.weights(files(entry)));
        }
    }

    private void addWhole(Path folder) {
        ModelFiles whole = ModelFiles.in(folder);
        parts.addAll(whole.parts());
        tokenizer = whole.tokenizer();
    }

    /// Whether it names a repository, and nothing of this machine.
    private static boolean isRemote(String text) {
        return HubReference.matches(text) && Files.notExists(FilePattern.path(OPTION, text));
    }

    static boolean isWholeModel(Path folder) {
        return Files.isDirectory(folder.resolve("transformer"))
                || Files.isDirectory(folder.resolve("vae"))
                || Files.isDirectory(folder.resolve("text_encoder"));
    }

    private List<Path> files(String text) {
        if (isRemote(text)) {
            return OriginPath.parse(OPTION, text, remote).files();
        }
        if (FilePattern.isGlob(text) && !Files.exists(FilePattern.path(OPTION, text))) {
            return FilePattern.of(OPTION, Path.of(""), text).files();
        }
        Path path = FilePattern.path(OPTION, text);
        if (Files.notExists(path)) {
            throw new InvalidRequestException(OPTION, "'%s' does not exist%s".formatted(text, LocalPath.hint(text)));
        }
        return List.of(path);
    }
}
