package io.stencil.hub.fetch;

import io.stencil.hub.protocol.Repository;
import java.nio.file.Path;
import java.util.List;
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
}
