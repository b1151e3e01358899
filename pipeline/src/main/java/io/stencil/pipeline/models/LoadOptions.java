package io.stencil.pipeline.models;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;

/// How models are loaded.
///
/// @param dtype of weights and of activations
public record LoadOptions(DType dtype, Device device) {

    /// bfloat16 on the CPU, as checkpoints are stored.
    public static final LoadOptions DEFAULT = new LoadOptions(DType.BFLOAT16, Device.CPU);
}
