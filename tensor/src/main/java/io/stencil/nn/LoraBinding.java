package io.stencil.nn;

import io.stencil.autograd.PassLocal;
import io.stencil.error.InvalidRequestException;
import io.stencil.error.InvalidStateException;
import io.stencil.error.NameList;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// LoRA updates of a module's linear layers for the passes that this thread runs until the binding is closed. Neither
/// the weights nor the module change: a pass on another thread does not see the updates.
///
/// Gradients flow into pairs of LoRA matrices. With gradient [checkpointing][io.stencil.autograd.Checkpointing] a
/// recomputed segment sees the bindings of its forward pass, on whatever thread it runs; the updates must live until
/// the backward pass is over.
public final class LoraBinding implements AutoCloseable {

    /// The open bindings of a pass, in the order in which they were opened.
    private static final PassLocal<List<LoraBinding>> OPEN = new PassLocal<>();

    private final Map<Linear, List<LayerUpdate>> updates;
    private boolean closed;

    private LoraBinding(Map<Linear, List<LayerUpdate>> updates) {
        this.updates = updates;
    }

    /// A binding of nothing.
    public static LoraBinding none() {
        return new LoraBinding(Map.of());
    }

    /// Binds the updates to the layers that they name.
    ///
    /// @throws InvalidRequestException when a name is not a linear layer of `module`; nothing is bound then
    public static LoraBinding bind(Module module, Lora lora) {
        if (lora.isEmpty()) {
            return none();
        }
        Map<String, List<LayerUpdate>> named = lora.updates();
        Map<Linear, List<LayerUpdate>> updates = new HashMap<>();
        linears(module, named).forEach((name, layer) -> updates.put(layer, Objects.requireNonNull(named.get(name))));
        LoraBinding binding = new LoraBinding(updates);
        List<LoraBinding> open = new ArrayList<>(open());
        open.add(binding);
        OPEN.set(List.copyOf(open));
        return binding;
    }

    private static List<LoraBinding> open() {
        List<LoraBinding> open = OPEN.get();
        return open == null ? List.of() : open;
    }

    /// The updates that are bound to a layer in this thread's pass.
    static List<LayerUpdate> of(Linear layer) {
        List<LoraBinding> open = open();
        if (open.isEmpty()) {
            return List.of();
        }
        List<LayerUpdate> bound = new ArrayList<>();
        for (LoraBinding binding : open) {
            bound.addAll(binding.updates.getOrDefault(layer, List.of()));
        }
        return bound;
    }

    /// Checks that all updates fit layers of `module`, without loading them.
    ///
    /// @throws InvalidRequestException naming the update that does not
    public static void check(Module module, Lora lora) {
        linears(module, lora.updates());
    }

    /// Finds the layers that updates name, checking shapes.
    static Map<String, Linear> linears(Module module, Map<String, List<LayerUpdate>> updates) {
        Map<String, Linear> found = new LinkedHashMap<>();
        Map<String, Module> modules = module.modules();
        List<String> unknown = new ArrayList<>();
        updates.forEach((name, ofLayer) -> {
            if (modules.get(name) instanceof Linear linear) {
                ofLayer.forEach(update -> update.misfit(linear.weight().shape()).ifPresent(fault -> {
                    throw new InvalidRequestException("lora", "'%s' %s".formatted(name, fault));
                }));
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

    /// Ends the binding, and no other that binds the same updates.
    ///
    /// @throws InvalidStateException on another thread than the one that opened it
    @Override
    @SuppressWarnings("ReferenceEquality") // it ends itself
    public void close() {
        if (closed || updates.isEmpty()) {
            return;
        }
        List<LoraBinding> others =
                open().stream().filter(binding -> binding != this).toList();
        if (others.size() == open().size()) {
            throw new InvalidStateException("a LoRA binding was opened on another thread; close it there");
        }
        OPEN.set(others.isEmpty() ? null : others);
        closed = true;
    }
}
