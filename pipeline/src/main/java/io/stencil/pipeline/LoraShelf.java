package io.stencil.pipeline;

import io.stencil.nn.Lora;
import io.stencil.nn.LoraBinding;
import io.stencil.nn.LoraPair;
import io.stencil.pipeline.models.ModelSet;
import io.stencil.tensor.OwnedTensor;
import java.util.ArrayList;
import java.util.List;

/// The LoRAs that are hot-loaded on a pipeline, with their memory.
final class LoraShelf {

    private final List<Lora> loras = new ArrayList<>();
    private final List<OwnedTensor> owned = new ArrayList<>();

    void add(Lora lora) {
        for (LoraPair pair : lora.pairs().values()) {
            owned.add(new OwnedTensor(pair.a()));
            owned.add(new OwnedTensor(pair.b()));
        }
        loras.add(lora);
    }

    /// Puts all of them on the transformer until the binding is closed.
    LoraBinding bind(ModelSet models) {
        return loras.isEmpty() ? LoraBinding.none() : LoraBinding.bind(models.requireTransformer(), Lora.merge(loras));
    }

    void clear() {
        loras.clear();
        owned.forEach(OwnedTensor::close);
        owned.clear();
    }
}
