package io.stencil.train.options;

/// Whether a resumed run may change an option.
public enum OnResume {
    /// The losses depend on it: a resumed run must keep it.
    SAME,
    /// Output, logs, memory and threads: a resumed run may change it.
    FREE,
    /// Length of the run: a resumed run may change it unless the learning rate depends on it.
    LENGTH
}
