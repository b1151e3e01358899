package io.stencil.train.log;

/// Is told how a dataset is encoded, on the thread that does it.
public interface EncodingListener {

    /// Hears nothing.
    EncodingListener NONE = new EncodingListener() {};

    /// Models and data are loaded and checked.
    ///
    /// @param done samples that an earlier run has encoded
    default void onStart(int done, int samples) {}

    /// A sample is written.
    default void onSample(int done, int samples) {}

    /// Something that a user should know although work goes on.
    default void onWarning(String message) {}
}
