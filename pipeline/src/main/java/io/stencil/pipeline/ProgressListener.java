package io.stencil.pipeline;

/// Receives the steps and warnings of one generation, on the thread that generates.
@FunctionalInterface
public interface ProgressListener {

    ProgressListener NONE = (_, _) -> {};

    /// @param done from 1 to `total`
    void onStep(int done, int total);

    /// Receives, before the first step, a line about a value of the request that has no effect or not the whole of it:
    /// a prompt that is cut, a size that is rounded up. Goes to the Java platform's logging unless it is implemented.
    default void onWarning(String message) {
        System.getLogger("io.stencil").log(System.Logger.Level.WARNING, message);
    }
}
