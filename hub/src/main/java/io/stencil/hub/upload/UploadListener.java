package io.stencil.hub.upload;

/// Hears how an upload goes; may be called from several threads.
public interface UploadListener {

    /// Hears nothing.
    UploadListener NONE = new UploadListener() {};

    /// A large file is being sent.
    default void onSending(String path, long bytes) {}

    /// A large file is at the hub.
    ///
    /// @param sent false when the hub had it already
    default void onThere(String path, long bytes, boolean sent) {}
}
