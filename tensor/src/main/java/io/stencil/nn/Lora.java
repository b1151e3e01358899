package io.stencil.nn;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
}
