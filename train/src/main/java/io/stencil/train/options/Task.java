package io.stencil.train.options;

/// Selects the work of a training run.
public enum Task {
    /// Encodes and trains in one go.
    SFT("sft"),
    /// Encodes a dataset into a cache.
    SFT_DATA_PROCESS("sft:data_process"),
    /// Trains from such a cache.
    SFT_TRAIN("sft:train"),
    /// Trains the VAE to encode and decode images.
    VAE("vae");

    private final String option;

    Task(String option) {
        this.option = option;
    }

    /// As on the command line.
    public String option() {
        return option;
    }
}
