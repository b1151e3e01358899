package io.stencil.pipeline.models;

import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.util.Set;

/// How models are loaded.
///
/// @param dtype of weights at rest, and of the noise that a seed means
/// @param offload models whose layers let go of their weights after each use and take them from their files again
public record LoadOptions(DType dtype, Device device, Set<ModelRole> offload) {

    /// bfloat16 on the CPU, as checkpoints are stored.
    public static final LoadOptions DEFAULT = new LoadOptions(DType.BFLOAT16, Device.CPU);

    public LoadOptions {
        offload = Set.copyOf(offload);
    }

    /// Weights stay where they are once they were used.
    public LoadOptions(DType dtype, Device device) {
        this(dtype, device, Set.of());
    }

    /// The dtype of activations: the fastest for weights of [#dtype] on the device.
    public DType compute() {
        return ComputeDType.fastest(dtype, device);
    }
}
