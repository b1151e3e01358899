package io.stencil.hub.fetch;

import io.stencil.files.FetchedFolder;
import io.stencil.hub.protocol.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Files of a repository that lie on the disk.
///
/// @param revision as it was asked for
/// @param commit that it stood for, or null where it is not known
/// @param folder of the repository
/// @param files that the pattern chose, sorted; what they need beside them lies there too
public record Snapshot(
        Repository repository, String revision, @Nullable String commit, Path folder, List<Path> files) {

    public Snapshot {
        files = List.copyOf(files);
    }

    /// What a local folder was fetched as: the repository whose folder it is or lies in; empty for what came from no
    /// hub.
    ///
    /// @throws io.stencil.error.InvalidFileException when the folder's record is damaged
    public static Optional<Snapshot> around(Path folder) {
        try {
            Optional<Path> root = FetchedFolder.around(folder);
            if (root.isEmpty()) {
                return Optional.empty();
            }
            Optional<KeptListing> kept = KeptListing.read(root.get());
            return kept.isPresent()
                    ? kept.map(one -> new Snapshot(
                            one.repository(),
                            one.listing().revision(),
                            one.listing().commit(),
                            root.get(),
                            List.of()))
                    : HuggingFaceCache.snapshot(root.get(), folder);
        } catch (IOException e) {
            throw ModelPlace.unreadable(folder, e);
        }
    }
}
