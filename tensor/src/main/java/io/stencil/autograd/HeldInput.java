package io.stencil.autograd;

import io.stencil.tensor.Device;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import org.bytedeco.pytorch.Tensor;

/// A segment's input, held until the segment runs again.
///
/// @param tensor the input, or its copy on the CPU
/// @param device where the segment needs it
/// @param requiresGrad whether the input requires a gradient
record HeldInput(OwnedTensor tensor, Device device, boolean requiresGrad) implements AutoCloseable {

    /// @param offload whether it waits on the CPU
    static HeldInput of(Tensor input, boolean offload) {
        Device device = Device.of(input);
        try (Scope _ = new Scope();
                GradMode _ = GradMode.disabled()) {
            Tensor held = offload ? Device.CPU.place(input) : input;
            return new HeldInput(new OwnedTensor(held), device, input.requires_grad());
        }
    }

    /// @return cut off from the graph that made it, owned by the caller's scope
    Tensor leaf() {
        Tensor leaf = device.place(tensor.get()).detach();
        leaf.requires_grad_(requiresGrad);
        return leaf;
    }

    @Override
    public void close() {
        tensor.close();
    }
}
