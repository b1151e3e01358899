package io.stencil.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/// How a folder tells that its files came from a hub: the fetch leaves its record in it. What is in such a folder is
/// others' work, and code there runs only when it is trusted, whichever way the folder is named.
public final class FetchedFolder {

    /// Name of the hidden folder with all that a fetch keeps for itself.
    public static final String PRIVATE = ".stencil";

    private static final String RECORD = "listing.json";

    private FetchedFolder() {}

    /// The record in the folder of a repository.
    public static Path record(Path root) {
        return root.resolve(PRIVATE).resolve(RECORD);
    }

    /// The folder of the repository that a file or folder came with, looked for above where it seems to lie and above
    /// where it lies when links are followed; empty for what came from no hub.
    ///
    /// @throws IOException when the links cannot be followed
    public static Optional<Path> around(Path inside) throws IOException {
        Set<Path> places = new LinkedHashSet<>();
        places.add(inside.toAbsolutePath().normalize());
        if (Files.exists(inside)) {
            places.add(inside.toRealPath());
        }
        for (Path place : places) {
            for (Path folder = place; folder != null; folder = folder.getParent()) {
                if (Files.exists(record(folder))) {
                    return Optional.of(folder);
                }
            }
        }
        return Optional.empty();
    }
}
