package io.stencil.nn;

import io.stencil.error.InvalidRequestException;
import io.stencil.error.NameList;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// LoRA updates that are hot-loaded on a module's linear layers until closed; the weights stay as they are.
///
/// Gradients flow into the pairs. With gradient checkpointing keep the binding open until the backward pass is over.
public final class LoraBinding implements AutoCloseable {

    private final List<Bound> bound = new ArrayList<>();

    private record Bound(Linear layer, LoraPair pair) {}

    private LoraBinding() {}

    /// A binding of nothing.
    public static LoraBinding none() {
        return new LoraBinding();
    }

    /// Loads the updates on the layers that they name.
    ///
    /// @throws InvalidRequestException when a name is not a linear layer of `module`; nothing is bound then
    public static LoraBinding bind(Module module, Lora lora) {
        Map<String, Linear> layers = linears(module, lora.pairs());
        LoraBinding binding = new LoraBinding();
        lora.pairs().forEach((name, pair) -> {
            Bound one = new Bound(Objects.requireNonNull(layers.get(name)), pair);
            one.layer().attach(one.pair());
            binding.bound.add(one);
        });
        return binding;
    }

    /// Checks that all updates fit layers of `module`, without loading them.
    ///
    /// @throws InvalidRequestException naming the update that does not
    public static void check(Module module, Lora lora) {
        linears(module, lora.pairs());
    }

    /// Finds the layers that LoRA pairs name, checking shapes.
    static Map<String, Linear> linears(Module module, Map<String, LoraPair> pairs) {
        Map<String, Linear> found = new LinkedHashMap<>();
        Map<String, Module> modules = module.modules();
        List<String> unknown = new ArrayList<>();
        pairs.forEach((name, pair) -> {
            if (modules.get(name) instanceof Linear linear) {
                pair.misfit(linear.weight().shape()).ifPresent(fault -> {
                    throw new InvalidRequestException("lora", "'%s' %s".formatted(name, fault));
                });
                found.put(name, linear);
            } else {
                unknown.add(name);
            }
        });
        if (!unknown.isEmpty()) {
            throw new InvalidRequestException("lora", "the model has no linear layer named " + NameList.of(unknown));
        }
        return found;
    }

    @Override
    public void close() {
        bound.forEach(one -> one.layer().detach(one.pair()));
        bound.clear();
    }
}
