package io.stencil.hub.upload;

import java.util.List;

/// What an upload did, or with a dry run would do.
///
/// @param created whether the repository was made
/// @param changed files that differ from the hub's
/// @param unchanged files that the hub has already
/// @param bytes of the changed ones
/// @param others files of the hub that are fetched with these, and are not in the folder
public record UploadResult(
        boolean created, List<String> changed, List<String> unchanged, long bytes, List<String> others) {

    public UploadResult {
        changed = List.copyOf(changed);
        unchanged = List.copyOf(unchanged);
        others = List.copyOf(others);
    }
}
