package io.stencil.hub.download;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.provider.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Files of a repository on the disk.
///
/// @param revision as requested
/// @param commit of that revision, or null where it is not known
/// @param folder of the repository
/// @param files chosen by the pattern, sorted; those that they need lie beside them
public record Snapshot(
        Repository repository, String revision, @Nullable String commit, Path folder, List<Path> files) {

    public Snapshot {
        files = List.copyOf(files);
    }

    /// Finds the snapshot that a local folder is or lies in; empty for one that is not from a hub.
    ///
    /// @throws io.stencil.error.InvalidFileException when the folder's record is damaged
    public static Optional<Snapshot> around(Path folder) {
        try {
            Optional<Path> root = FetchedFolder.around(folder);
            if (root.isEmpty()) {
                return Optional.empty();
            }
            Optional<ModelFolder.StoredListing> stored = new ModelFolder(root.get()).stored();
            return stored.isPresent()
                    ? stored.map(origin -> new Snapshot(
                            origin.repository(),
                            origin.listing().revision(),
                            origin.listing().commit(),
                            root.get(),
                            List.of()))
                    : HuggingFaceCache.snapshot(root.get(), folder);
        } catch (IOException e) {
            throw ModelFolder.unreadable(folder, e);
        }
    }
}
