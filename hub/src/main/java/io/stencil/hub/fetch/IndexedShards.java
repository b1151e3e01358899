package io.stencil.hub.fetch;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.hub.protocol.Listing;
import io.stencil.hub.protocol.RemoteFile;
import io.stencil.json.JsonFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Shards that an index names: where a listing holds what is on the disk and no more, the index alone tells that one is
/// missing.
final class IndexedShards {

    private static final String INDEX = ".safetensors.index.json";

    private IndexedShards() {}

    /// Paths of shards that are meant and that the listing has not.
    ///
    /// @throws io.stencil.error.InvalidFileException when an index is no JSON
    static List<String> missing(Choice choice, Listing listing, NamePattern meant, ModelPlace place) {
        Set<String> listed = listing.files().stream().map(RemoteFile::path).collect(Collectors.toSet());
        Set<String> missing = new TreeSet<>();
        for (RemoteFile file : choice.all()) {
            Path index = place.file(file.path());
            if (file.path().endsWith(INDEX) && Files.isRegularFile(index)) {
                String folder = file.path().substring(0, file.path().lastIndexOf('/') + 1);
                for (JsonNode shard : JsonFile.read(index).path("weight_map")) {
                    missing.add(folder + shard.asText());
                }
            }
        }
        missing.removeIf(path -> listed.contains(path) || !SafeNames.isSafe(path) || !meant.matches(path));
        return List.copyOf(missing);
    }
}
