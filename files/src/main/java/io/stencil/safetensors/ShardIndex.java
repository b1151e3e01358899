package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.error.NameList;
import io.stencil.files.FileMapping;
import io.stencil.files.LocalPath;
import io.stencil.json.TextFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Maps tensors to files of a folder, as its `*.safetensors.index.json` lists them.
///
/// @param file the index itself
/// @param shards the shard of each tensor by the tensor's name
record ShardIndex(Path file, Map<String, Path> shards) {

    static final String SUFFIX = ".safetensors.index.json";

    private static final String WEIGHT_MAP = "weight_map";

    /// @throws InvalidFileException when the index is not valid or a shard is absent
    static ShardIndex read(Path file) {
        byte[] text = FileMapping.read(file, channel -> {
            if (channel.size() > StrictJson.MAX_BYTES) {
                throw new InvalidFileException(
                        file,
                        "an index has at most %s bytes, found %s".formatted(StrictJson.MAX_BYTES, channel.size()));
            }
            return Files.readAllBytes(file);
        });
        String json = TextFile.withoutMark(StrictJson.decode(file, "index", text));
        Map<String, Path> shards = StrictJson.read(file, "index", json, parser -> readIndex(parser, file));
        ShardIndex index = new ShardIndex(file, shards);
        index.requireShards();
        return index;
    }

    /// Lists every shard once, sorted.
    List<Path> files() {
        return shards.values().stream().distinct().sorted().toList();
    }

    /// Refuses an index that does not list exactly the tensors of the open shards.
    void requireSame(List<SafetensorsFile> open) {
        Map<Path, SafetensorsFile> byPath = new TreeMap<>();
        open.forEach(shard -> byPath.put(shard.path(), shard));
        List<String> absent = new ArrayList<>();
        shards.forEach((name, path) -> {
            SafetensorsFile shard = byPath.get(path);
            if (shard == null || !shard.entries().containsKey(name)) {
                absent.add(name + " (" + path.getFileName() + ")");
            }
        });
        if (!absent.isEmpty()) {
            throw new InvalidFileException(
                    file, WEIGHT_MAP + " names tensors that their shard does not hold: " + NameList.of(absent));
        }
        List<String> unlisted = new ArrayList<>();
        for (SafetensorsFile shard : open) {
            for (String name : shard.entries().keySet()) {
                if (!shard.path().equals(shards.get(name))) {
                    unlisted.add(name + " (" + shard.path().getFileName() + ")");
                }
            }
        }
        if (!unlisted.isEmpty()) {
            throw new InvalidFileException(
                    file, "shards hold tensors that " + WEIGHT_MAP + " does not place there: " + NameList.of(unlisted));
        }
    }

    /// Refuses a folder with the weights both in shards and in the one file that the index is named after: which are
    /// meant is ambiguous.
    void requireNoFileBeside() {
        String name = file.getFileName().toString();
        Path whole = file.resolveSibling(name.substring(0, name.length() - SUFFIX.length()) + ".safetensors");
        if (Files.exists(whole) && !shards.containsValue(whole)) {
            throw new InvalidFileException(
                    file,
                    "lists shards, and %s, which is none of them, holds the same weights or older ones; remove the one or the other"
                            .formatted(whole.getFileName()));
        }
    }

    private void requireShards() {
        if (shards.isEmpty()) {
            throw new InvalidFileException(file, WEIGHT_MAP + " names no tensor");
        }
        List<String> missing = files().stream()
                .filter(shard -> !Files.isRegularFile(shard))
                .map(Path::toString)
                .toList();
        if (!missing.isEmpty()) {
            throw new InvalidFileException(
                    file,
                    "%s of %s shards are missing: %s".formatted(missing.size(), files().size(), NameList.of(missing)));
        }
    }

    private static Map<String, Path> readIndex(JsonParser json, Path file) throws IOException {
        @Nullable Map<String, Path> shards = null;
        for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
            json.nextToken();
            if (key.equals(WEIGHT_MAP)) {
                shards = readWeightMap(json, file);
            } else {
                json.skipChildren();
            }
        }
        if (shards == null) {
            throw new InvalidFileException(file, "has no " + WEIGHT_MAP);
        }
        return shards;
    }

    private static Map<String, Path> readWeightMap(JsonParser json, Path file) throws IOException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            throw new InvalidFileException(
                    Location.of(file).field(WEIGHT_MAP),
                    "must be an object of tensor names and file names, found " + StrictJson.found(json));
        }
        Map<String, Path> shards = new LinkedHashMap<>();
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw new InvalidFileException(
                        Location.of(file).field(name), "must be the name of a file, found " + StrictJson.found(json));
            }
            shards.put(name, shardPath(file, name, json.getText()));
        }
        return shards;
    }

    /// Resolves a shard in the index's folder or below it; an index from elsewhere must not make us open other files.
    private static Path shardPath(Path file, String tensor, String shard) {
        Location location = Location.of(file).field(tensor);
        Path relative;
        try {
            relative = Path.of(shard).normalize();
        } catch (InvalidPathException fault) {
            throw new InvalidFileException(location, "must be the name of a file: " + LocalPath.reason(fault), fault);
        }
        if (relative.isAbsolute()
                || relative.startsWith("..")
                || relative.toString().isEmpty()) {
            throw new InvalidFileException(
                    location, "must be the name of a file in the index's folder, found \"" + shard + '"');
        }
        return file.resolveSibling(relative);
    }
}
