package io.stencil.pipeline.models;

import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;

/// How models are loaded.
///
/// @param dtype of weights at rest, and of the noise that a seed means
public record LoadOptions(DType dtype, Device device) {

    /// bfloat16 on the CPU, as checkpoints are stored.
    public static final LoadOptions DEFAULT = new LoadOptions(DType.BFLOAT16, Device.CPU);

    /// The dtype of activations: the fastest for weights of [#dtype] on the device.
    public DType compute() {
        return ComputeDType.fastest(dtype, device);
    }
}
