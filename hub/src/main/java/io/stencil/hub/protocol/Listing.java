package io.stencil.hub.protocol;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// All files of a repository at one revision.
///
/// @param revision as it was asked for
/// @param commit that it stood for, or null where the hub does not tell
public record Listing(String revision, @Nullable String commit, List<RemoteFile> files) {

    public Listing {
        files = List.copyOf(files);
    }
}
