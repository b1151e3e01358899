package io.stencil.template.value;

import io.stencil.flux2.transformer.Sinusoid;
import io.stencil.nn.Initializer;
import io.stencil.nn.Linear;
import io.stencil.nn.Module;
import io.stencil.nn.Parameter;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Tensors;
import org.bytedeco.pytorch.Tensor;

/// One number as `length` tokens: sinusoid of 1000 times the value, two linear layers, and a learnt vector a token.
final class ValueProjection extends Module {

    private static final int CHANNELS = 256;
    private static final double SCALE = 1000;

    private final Linear first;
    private final Linear second;
    private final Parameter positions;

    ValueProjection(int dim, int length) {
        first = module("prefer_value_embedder.0", new Linear(CHANNELS, dim, true));
        second = module("prefer_value_embedder.2", new Linear(dim, dim, true));
        positions = parameter("positional_embedding", Initializer.normal(0.02), length, dim);
    }

    /// @return `[length, D]`
    Tensor forward(double value, DType dtype, Device device) {
        Tensor scaled = Tensors.full(value * SCALE, DType.FLOAT32, device, 1);
        Tensor waves = dtype.cast(Sinusoid.of(scaled, CHANNELS));
        Tensor embedded = second.forward(Ops.silu(first.forward(waves))); // [1, D], the same for every token
        return embedded.add(dtype.cast(positions.get()));
    }
}
