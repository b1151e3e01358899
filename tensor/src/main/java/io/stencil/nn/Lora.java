package io.stencil.nn;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.pytorch.Tensor;

/// Low-rank updates of several linear layers.
///
/// @param pairs by the layer's dotted name
public record Lora(Map<String, LoraPair> pairs) {

    public Lora {
        pairs = Collections.unmodifiableMap(new LinkedHashMap<>(pairs));
    }

    public static Lora empty() {
        return new Lora(Map.of());
    }

    public boolean isEmpty() {
        return pairs.isEmpty();
    }

    /// One LoRA whose effect is the sum of all; a layer that only some update takes those.
    public static Lora merge(List<Lora> loras) {
        Map<String, LoraPair> merged = new LinkedHashMap<>();
        for (Lora lora : loras) {
            lora.pairs.forEach((name, pair) -> merged.merge(name, pair, LoraPair::join));
        }
        return new Lora(merged);
    }

    /// Adds the updates to the weights themselves: `W` becomes `W + strength * B A`. Fusing with the opposite strength
    /// takes an update off again, up to rounding in the weights' dtype.
    ///
    /// @throws InvalidRequestException when a name is not a linear layer of `module`, a shape does not fit, a
    ///     weight rests in float8 or is offloaded, or a sum is beyond the range of its dtype; no weight is changed then
    public void fuse(Module module, double strength) {
        Map<String, Linear> layers = LoraBinding.linears(module, pairs);
        pairs.forEach((name, pair) -> {
            if (pair.isPerSample()) {
                throw new InvalidRequestException(
                        "lora", "'%s' has an update for each sample; weights take one".formatted(name));
            }
            Parameter weight = Objects.requireNonNull(layers.get(name)).weight();
            if (weight.isOffloaded()) {
                throw new InvalidRequestException(
                        "lora",
                        "'%s' is read from its file at each use, so that a change of it would have to stay in memory; hot-load it, or load the model without offload_models"
                                .formatted(name));
            }
            if (weight.dtype() == DType.FLOAT8_E4M3FN) {
                throw new InvalidRequestException(
                        "lora",
                        "'%s' rests in float8, which would round the update away; hot-load it, or load the model without fp8_models"
                                .formatted(name));
            }
        });
        module.withoutPasses(() -> {
            // All sums are computed twice, since keeping them would need memory for the layers' weights once more.
            pairs.forEach((name, pair) -> {
                try (Scope _ = new Scope()) {
                    Parameter weight = Objects.requireNonNull(layers.get(name)).weight();
                    requireFinite(name, weight, sum(weight, pair, strength));
                }
            });
            pairs.forEach((name, pair) -> {
                Linear layer = Objects.requireNonNull(layers.get(name));
                try (Scope _ = new Scope()) {
                    Tensor sum = sum(layer.weight(), pair, strength);
                    layer.withoutPasses(() -> layer.weight().set(sum));
                }
            });
        });
    }

    /// @return `W + strength * B A` in the dtype of W
    private static Tensor sum(Parameter weight, LoraPair pair, double strength) {
        Device device = Device.of(weight.tensor());
        Tensor a = device.place(pair.a().detach(), DType.FLOAT32);
        Tensor b = device.place(pair.b().detach(), DType.FLOAT32);
        return weight.dtype()
                .cast(Ops.addScaled(DType.FLOAT32.cast(weight.tensor().detach()), b.matmul(a), strength));
    }

    private static void requireFinite(String name, Parameter weight, Tensor sum) {
        if (Tensors.isFinite(sum)) {
            return;
        }
        throw new InvalidRequestException(
                "lora",
                Tensors.isFinite(weight.tensor())
                        ? "'%s' would hold values beyond the range of %s; fuse the LoRA with a smaller strength"
                                .formatted(name, weight.dtype().text())
                        : "'%s' holds values that are not finite (NaN or infinity), so the checkpoint is damaged; fetch or convert it again"
                                .formatted(name));
    }
}
