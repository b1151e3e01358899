package io.stencil.hub.protocol;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// All files of a repository at one revision.
///
/// @param revision as it was asked for
/// @param commit that it stood for, or null where the hub does not tell
public record Listing(String revision, @Nullable String commit, List<RemoteFile> files) {

    private static final Pattern COMMIT = Pattern.compile("[0-9a-fA-F]{7,64}");

    public Listing {
        files = List.copyOf(files);
    }

    /// The name of a commit, where `text` is one.
    public static @Nullable String commitName(@Nullable String text) {
        return text != null && COMMIT.matcher(text).matches() ? text : null;
    }
}
