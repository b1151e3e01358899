package io.stencil.pipeline.models;

import io.stencil.pipeline.unit.ModelRole;
import io.stencil.tensor.ComputeDType;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// How models are loaded.
///
/// @param dtype of weights at rest, and of the noise that a seed means
/// @param float8 models whose linear layers rest in float8 instead, half as large as in bfloat16; they cannot be trained
public record LoadOptions(DType dtype, Device device, Set<ModelRole> float8) {

    /// bfloat16 on the CPU, as checkpoints are stored.
    public static final LoadOptions DEFAULT = new LoadOptions(DType.BFLOAT16, Device.CPU);

    public LoadOptions {
        float8 = Set.copyOf(float8);
    }

    /// All models in `dtype`.
    public LoadOptions(DType dtype, Device device) {
        this(dtype, device, Set.of());
    }

    /// The same on another device.
    public LoadOptions on(Device other) {
        return new LoadOptions(dtype, other, float8);
    }

    /// The same with these models in float8.
    public LoadOptions withFloat8(Set<ModelRole> roles) {
        return new LoadOptions(dtype, device, roles);
    }

    /// Names of the models in float8, as options have them, in one order.
    public List<String> float8Names() {
        return EnumSet.allOf(ModelRole.class).stream()
                .filter(float8::contains)
                .map(ModelRole::label)
                .toList();
    }

    /// The dtype of activations: the fastest for weights of [#dtype] on the device.
    public DType compute() {
        return ComputeDType.fastest(dtype, device);
    }
}
