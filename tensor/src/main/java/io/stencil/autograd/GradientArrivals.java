package io.stencil.autograd;

import io.stencil.autograd.BackwardFunctions.HookFailure;
import io.stencil.tensor.OwnedTensor;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.VoidTensorHook;

/// Calls back when gradients reach leaves while backward passes run.
///
/// libtorch calls its hook just before it adds a gradient to the leaf, on the thread of the backward pass. One thread
/// serves all leaves of a device, one after the other: at the next leaf, the gradient of the last one is added.
public final class GradientArrivals implements AutoCloseable {

    private final List<Hook> hooks = new ArrayList<>();
    private final HookFailure failure = new HookFailure();

    /// Calls `arrival` for each gradient that comes to a leaf: once a pass, and once more for each checkpointed segment
    /// that uses the leaf.
    ///
    /// @param leaf requires gradients
    public void watch(Tensor leaf, Runnable arrival) {
        hooks.add(new Hook(leaf, arrival));
    }

    /// Throws the exception of a callback, which cannot cross the engine. There is no callback after that one.
    public void rethrow() {
        failure.rethrow();
    }

    @Override
    public void close() {
        hooks.forEach(Hook::close);
        hooks.clear();
    }

    private final class Hook extends VoidTensorHook implements AutoCloseable {
        private final OwnedTensor leaf;
        private final Runnable arrival;
        private final int place;

        Hook(Tensor leaf, Runnable arrival) {
            this.leaf = new OwnedTensor(leaf);
            this.arrival = arrival;
            retainReference();
            place = leaf.register_hook(this);
        }

        @Override
        public void call(TensorBase gradient) {
            if (failure.isThere()) {
                return;
            }
            try {
                arrival.run();
            } catch (RuntimeException | Error e) {
                failure.keep(e);
            }
        }

        @Override
        public void close() {
            leaf.get().remove_hook(place);
            leaf.close();
            releaseReference();
        }
    }
}
