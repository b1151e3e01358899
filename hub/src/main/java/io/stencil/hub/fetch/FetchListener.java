package io.stencil.hub.fetch;

import io.stencil.hub.protocol.Repository;

/// Hears how a fetch goes; may be called from several threads.
public interface FetchListener {

    /// Hears nothing.
    FetchListener NONE = new FetchListener() {};

    /// @param files that are in place
    /// @param allFiles that are wanted
    /// @param bytes that came or were there
    default void onProgress(Repository repository, int files, int allFiles, long bytes, long allBytes) {}

    /// Another process or thread fetches the same file, and this one waits for it.
    default void onWaiting(Repository repository, String file) {}

    default void onWarning(String message) {}

    /// All files are in place.
    default void onEnd() {}
}
