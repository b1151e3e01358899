package io.stencil.files;

import com.fasterxml.jackson.databind.JsonNode;
import io.stencil.json.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Detects folders with files of a hub, by the record of the fetch or by the layout of Hugging Face's own cache. Files
/// there are third-party, and code runs only when it is trusted, whichever way the folder is named.
public final class FetchedFolder {

    /// Name of the hidden folder with all that a fetch keeps for itself.
    public static final String PRIVATE = ".stencil";

    private static final String RECORD = "listing.json";
    private static final String CACHED = "models--";

    private FetchedFolder() {}

    /// Returns the record in the folder of a repository.
    public static Path record(Path root) {
        return root.resolve(PRIVATE).resolve(RECORD);
    }

    /// Finds the folder of the repository that a file or folder came with, above where it seems to lie and above
    /// where it lies when links are followed; empty for what came from no hub.
    ///
    /// @throws IOException when the links cannot be followed
    public static Optional<Path> around(Path inside) throws IOException {
        for (Path place : places(inside)) {
            for (Path folder = place; folder != null; folder = folder.getParent()) {
                if (Files.exists(record(folder)) || isCached(folder)) {
                    return Optional.of(folder);
                }
            }
        }
        return Optional.empty();
    }

    /// Lists the names of a folder's files at its hub from the record, those that are never fetched included; none
    /// where there is no record.
    ///
    /// @throws IOException when the links cannot be followed
    /// @throws io.stencil.error.InvalidFileException when the record is damaged
    public static List<String> listed(Path folder) throws IOException {
        Optional<Path> root = around(folder);
        if (root.isEmpty() || Files.notExists(record(root.get()))) {
            return List.of();
        }
        String prefix = places(folder).stream()
                .filter(place -> place.startsWith(root.get()))
                .map(place -> root.get().relativize(place).toString().replace('\\', '/'))
                .map(way -> way.isEmpty() ? way : way + "/")
                .findFirst()
                .orElse("");
        Set<String> names = new TreeSet<>();
        for (JsonNode file : JsonFile.read(record(root.get())).path("files")) {
            String path = file.path("path").asText();
            if (path.startsWith(prefix)) {
                names.add(path.substring(prefix.length()).replaceFirst("/.*", "/"));
            }
        }
        return List.copyOf(names);
    }

    /// Checks whether a folder is one of Hugging Face's cache: `models--OWNER--NAME` with `snapshots` of links into
    /// `blobs`.
    private static boolean isCached(Path folder) {
        Path name = folder.getFileName();
        return name != null
                && name.toString().startsWith(CACHED)
                && (Files.isDirectory(folder.resolve("snapshots")) || Files.isDirectory(folder.resolve("blobs")));
    }

    /// Lists where a file or folder seems to lie, and where it lies when links are followed.
    ///
    /// @throws IOException when the links cannot be followed
    public static Set<Path> places(Path path) throws IOException {
        Set<Path> places = new LinkedHashSet<>();
        places.add(path.toAbsolutePath().normalize());
        if (Files.exists(path)) {
            places.add(path.toRealPath());
        }
        return places;
    }
}
