package io.stencil.pipeline.unit;

/// The models of a pipeline, by what they do.
public enum ModelRole {
    TEXT_ENCODER,
    VAE,
    TRANSFORMER
}
