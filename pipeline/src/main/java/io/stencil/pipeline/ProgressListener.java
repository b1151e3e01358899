package io.stencil.pipeline;

/// Is told of each denoising step that is done.
@FunctionalInterface
public interface ProgressListener {

    ProgressListener NONE = (_, _) -> {};

    /// @param done from 1 to `total`
    void onStep(int done, int total);
}
