package io.stencil.nn;

import io.stencil.autograd.FrozenLayer;
import io.stencil.nn.LayerUpdate.Dora;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// `y = x W^T + b`, plus the LoRA updates that this thread's pass has bound to it ([LoraBinding]).
///
/// Weights may rest in another dtype than `x` has; the product is computed in that of `x`. A frozen weight is cast part
/// by part for it, see [FrozenLayer].
public final class Linear extends Module {

    private final Parameter weight;
    private final @Nullable Parameter bias;

    public Linear(long in, long out, boolean withBias) {
        weight = parameter("weight", Initializer.uniformFanIn(in), out, in);
        bias = withBias ? parameter("bias", Initializer.uniformFanIn(in), out) : null;
    }

    /// @param x [..., in]
    /// @return [..., out]
    public Tensor forward(Tensor x) {
        try (OpenPass _ = openLayer()) {
            FlopCounter.add(x.numel(), weight.shape()[0]);
            List<LayerUpdate> updates = LoraBinding.of(this);
            List<Dora> scaled = updates.stream()
                    .filter(Dora.class::isInstance)
                    .map(Dora.class::cast)
                    .toList();
            if (!scaled.isEmpty()) {
                return updated(x, updates, scaled);
            }
            Tensor y = product(x);
            for (LayerUpdate update : updates) {
                y = y.add(((LayerUpdate.Additive) update).update(x));
            }
            return y;
        }
    }

    /// The output with updates some of which scale what the base weight gives, or its input.
    private Tensor updated(Tensor x, List<LayerUpdate> updates, List<Dora> scaled) {
        Tensor inputScale = Dora.inputScale(scaled);
        boolean outputScaled = scaled.stream().anyMatch(update -> update.axis() == LayerUpdate.Axis.OUTPUT);
        Tensor base = outputScaled ? product(x, null) : null;
        Tensor y = base;
        if (inputScale != null) {
            Tensor factor = Device.of(x).place(base == null ? Ops.add(inputScale, 1) : inputScale, DType.of(x));
            Tensor product = product(x.mul(factor), null);
            y = y == null ? product : y.add(product);
        }
        y = withBias(Objects.requireNonNull(y), DType.of(x));
        for (LayerUpdate update : updates) {
            y = switch (update) {
                case LayerUpdate.Additive added -> y.add(added.update(x));
                case Dora dora -> dora.addTo(y, x, base);
            };
        }
        return y;
    }

    private Tensor withBias(Tensor product, DType dtype) {
        if (bias == null) {
            return product;
        }
        try {
            return product.add(dtype.cast(bias.tensor()));
        } finally {
            bias.evict();
        }
    }

    private Tensor product(Tensor x) {
        if (bias == null) {
            return product(x, null);
        }
        try {
            return product(x, DType.of(x).cast(bias.tensor()));
        } finally {
            bias.evict(); // autograd keeps nothing of what is added
        }
    }

    private Tensor product(Tensor x, @Nullable Tensor offset) {
        DType dtype = DType.of(x);
        boolean isPlain = weight.quantization().isEmpty() && weight.dtype() == dtype;
        if (weight.isTrainable() || (isPlain && !weight.isOffloaded())) {
            return Ops.linear(x, dtype.cast(weight.tensor()), offset);
        }
        Tensor y = FrozenLayer.product(x, weight);
        return offset == null ? y : y.add(offset);
    }

    public Parameter weight() {
        return weight;
    }

    /// Whether gradients are computed for a LoRA that this thread's pass has bound to the layer.
    public boolean isUpdateTrained() {
        return LoraBinding.of(this).stream()
                .flatMap(update -> update.tensors().stream())
                .anyMatch(Tensor::requires_grad);
    }

    /// Bytes that autograd keeps of the bound LoRAs until the backward pass: the update in their rank, and copies of
    /// pairs of another dtype than the input's.
    ///
    /// @param rows of the input, at most
    /// @param dtype of the input
    public long updateBytes(long rows, DType dtype) {
        return LoraBinding.of(this).stream()
                .mapToLong(update -> update.activationBytes(rows, dtype))
                .sum();
    }
}
