package io.stencil.nn;

import io.stencil.error.InvalidRequestException;
import io.stencil.tensor.DType;
import io.stencil.tensor.Ops;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Updates of several linear layers, as one LoRA file or one Template gives them.
///
/// @param pairs low-rank updates by the layer's dotted name
/// @param others updates of other kinds by the layer's dotted name: DoRA, Kronecker products, whole matrices
public record Lora(Map<String, LoraPair> pairs, Map<String, List<LayerUpdate>> others) {

    public Lora {
        pairs = Collections.unmodifiableMap(new LinkedHashMap<>(pairs));
        others = Collections.unmodifiableMap(new LinkedHashMap<>(others));
    }

    /// Low-rank updates alone.
    public Lora(Map<String, LoraPair> pairs) {
        this(pairs, Map.of());
    }

    public static Lora empty() {
        return new Lora(Map.of());
    }

    /// Updates of any kind; pairs of one layer are joined.
    public static Lora of(Map<String, List<LayerUpdate>> updates) {
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        Map<String, List<LayerUpdate>> others = new LinkedHashMap<>();
        updates.forEach((name, ofLayer) -> {
            for (LayerUpdate update : ofLayer) {
                if (update instanceof LoraPair pair) {
                    pairs.merge(name, pair, LoraPair::join);
                } else {
                    others.computeIfAbsent(name, _ -> new ArrayList<>()).add(update);
                }
            }
        });
        return new Lora(pairs, others);
    }

    public boolean isEmpty() {
        return pairs.isEmpty() && others.isEmpty();
    }

    /// All updates of each layer.
    public Map<String, List<LayerUpdate>> updates() {
        Map<String, List<LayerUpdate>> all = new LinkedHashMap<>();
        pairs.forEach((name, pair) -> all.put(name, new ArrayList<>(List.of(pair))));
        others.forEach((name, updates) ->
                all.computeIfAbsent(name, _ -> new ArrayList<>()).addAll(updates));
        return all;
    }

    /// Whether an update depends on the weight that it was computed for, as a DoRA's does.
    public boolean dependsOnWeights() {
        return others.values().stream().flatMap(List::stream).anyMatch(LayerUpdate.Dora.class::isInstance);
    }

    /// The same updates with other tensors, such as copies.
    public Lora map(UnaryOperator<Tensor> copy) {
        Map<String, LoraPair> newPairs = new LinkedHashMap<>();
        pairs.forEach((name, pair) -> newPairs.put(name, pair.map(copy)));
        Map<String, List<LayerUpdate>> newOthers = new LinkedHashMap<>();
        others.forEach((name, updates) -> newOthers.put(
                name, updates.stream().map(update -> update.map(copy)).toList()));
        return new Lora(newPairs, newOthers);
    }

    /// One LoRA whose effect is the sum of all; a layer that only some update takes those.
    public static Lora merge(List<Lora> loras) {
        Map<String, LoraPair> pairs = new LinkedHashMap<>();
        Map<String, List<LayerUpdate>> others = new LinkedHashMap<>();
        for (Lora lora : loras) {
            lora.pairs.forEach((name, pair) -> pairs.merge(name, pair, LoraPair::join));
            lora.others.forEach((name, updates) ->
                    others.computeIfAbsent(name, _ -> new ArrayList<>()).addAll(updates));
        }
        return new Lora(pairs, others);
    }

    /// Adds the updates to the weights themselves: `W` becomes `W + strength * B A`, or for another kind of update `W
    /// + strength * D` with its [change][LayerUpdate#change] `D`. Fusing with the opposite strength takes an update
    /// off again, up to rounding in the weights' dtype, unless it [depends on them][#dependsOnWeights].
    ///
    /// @throws InvalidRequestException when a name is not a linear layer of `module`, a shape does not fit, a
    ///     weight is quantized or offloaded, or a sum is beyond the range of its dtype; no weight is changed then
    public void fuse(Module module, double strength) {
        Map<String, List<LayerUpdate>> updates = updates();
        Map<String, Linear> layers = LoraBinding.linears(module, updates);
        pairs.forEach((name, pair) -> {
            if (pair.isPerSample()) {
                throw new InvalidRequestException(
                        "lora", "'%s' has an update for each sample; weights take one".formatted(name));
            }
        });
        layers.forEach((name, layer) -> {
            Parameter weight = layer.weight();
            if (weight.isOffloaded()) {
                throw new InvalidRequestException(
                        "lora",
                        "'%s' is read from its file at each use, so that a change of it would have to stay in memory; hot-load it, or load the model without offload_models"
                                .formatted(name));
            }
            weight.quantization().ifPresent(quantization -> {
                throw new InvalidRequestException(
                        "lora",
                        "'%s' rests in %s, which would round the update away; hot-load it, or load the model without fp8_models and from files that are not quantized"
                                .formatted(name, quantization));
            });
        });
        module.withoutPasses(() -> {
            // All sums are computed twice, since keeping them would need memory for the layers' weights once more.
            updates.forEach((name, ofLayer) -> {
                try (Scope _ = new Scope()) {
                    Parameter weight = Objects.requireNonNull(layers.get(name)).weight();
                    requireFinite(name, weight, sum(weight, ofLayer, strength));
                }
            });
            updates.forEach((name, ofLayer) -> {
                Linear layer = Objects.requireNonNull(layers.get(name));
                try (Scope _ = new Scope()) {
                    Tensor sum = sum(layer.weight(), ofLayer, strength);
                    layer.withoutPasses(() -> layer.weight().set(sum));
                }
            });
        });
    }

    /// @return the sum of `W` and all changes of it, in the dtype of W
    private static Tensor sum(Parameter weight, List<LayerUpdate> updates, double strength) {
        Tensor base = DType.FLOAT32.cast(weight.tensor().detach());
        Tensor sum = base;
        for (LayerUpdate update : updates) {
            sum = Ops.addScaled(sum, update.change(base), strength);
        }
        return weight.dtype().cast(sum);
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
