package io.stencil.autograd;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Ops;
import io.stencil.tensor.OwnedTensor;
import io.stencil.tensor.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorTensorHook;
import org.jspecify.annotations.Nullable;

/// Backward functions in Java, which libtorch calls while it differentiates, and what they keep until the pass is over.
///
/// libtorch's own functions for this cannot be subclassed from Java. Here an operation is computed without recording;
/// its output is then tied to its input by an element of the input times 0, and hooks on both replace what would flow
/// along that tie. An object serves one backward pass and is the thread's [#current] one while it is open.
final class BackwardFunctions implements AutoCloseable {

    private static final ThreadLocal<@Nullable BackwardFunctions> CURRENT = new ThreadLocal<>();

    private final @Nullable BackwardFunctions outer;
    private final List<Hook> hooks = new ArrayList<>();
    private final List<Slot> slots = new ArrayList<>();
    private final List<HeldInput> inputs = new ArrayList<>();
    /// What the last hook of each of the engine's threads returned: the engine copies it after the call.
    private final Map<Thread, OwnedTensor> returned = new ConcurrentHashMap<>();

    private final HookFailure failure = new HookFailure();

    BackwardFunctions() {
        outer = CURRENT.get();
        CURRENT.set(this);
    }

    /// The innermost open one of this thread.
    static Optional<BackwardFunctions> current() {
        return Optional.ofNullable(CURRENT.get());
    }

    /// Makes `output`, which was computed from `input` without recording, differentiable.
    ///
    /// @param output memory of its own; it is changed in place
    /// @param inputGradient maps the output's gradient to the input's; its result may live in the scope it is made in
    /// @return the output
    Tensor connect(Tensor output, Tensor input, UnaryOperator<Tensor> inputGradient) {
        Slot found = new Slot();
        slots.add(found);
        Tensor view = input.view_as(input);
        hook(view, _ -> found.take());
        Tensor tied = output.add_(tie(view, output));
        hook(tied, gradient -> {
            found.put(inputGradient.apply(gradient));
            return gradient;
        });
        return tied;
    }

    /// [#connect] for a function whose gradient needs its input again. The input is held until that gradient is found,
    /// and at most as long as this is open.
    ///
    /// @param inputGradient of the output's gradient, and of the input, cut off from the graph that made it
    Tensor connectKeeping(Tensor output, Tensor input, BinaryOperator<Tensor> inputGradient) {
        HeldInput held = HeldInput.of(input, false);
        inputs.add(held);
        return connect(output, input, gradient -> {
            try (held) {
                return inputGradient.apply(gradient, held.leaf());
            }
        });
    }

    /// One element of `view` times 0, in the dtype of `like`.
    static Tensor tie(Tensor view, Tensor like) {
        Tensor element = view;
        for (long dim = 0; dim < view.dim(); dim++) {
            element = element.narrow(dim, 0, 1);
        }
        return DType.of(like).cast(Ops.mul(element.reshape(1), 0.0));
    }

    /// Calls `function` with the gradient that arrives at `tensor`; what it returns goes on.
    void hook(Tensor tensor, UnaryOperator<Tensor> function) {
        Hook hook = new Hook(function);
        tensor.register_hook(hook);
        hooks.add(hook);
    }

    /// Throws what a backward function threw: exceptions cannot cross the engine.
    void rethrow() {
        failure.rethrow();
    }

    @Override
    public void close() {
        hooks.forEach(Hook::close);
        hooks.clear();
        slots.forEach(Slot::close); // what a pass that failed has left
        slots.clear();
        inputs.forEach(HeldInput::close);
        inputs.clear();
        returned.values().forEach(OwnedTensor::close);
        returned.clear();
        if (CURRENT.get() == this) {
            CURRENT.set(outer);
        }
    }

    /// Hands one gradient from a hook to the next.
    private static final class Slot implements AutoCloseable {
        private @Nullable OwnedTensor gradient;

        void put(Tensor found) {
            gradient = new OwnedTensor(found);
        }

        /// @return owned by the caller's scope
        Tensor take() {
            OwnedTensor held = gradient;
            if (held == null) {
                throw new IllegalStateException(
                        "the gradient of an input was requested before that of its output arrived");
            }
            gradient = null;
            Tensor found = new Tensor(held.get());
            held.close();
            return found;
        }

        @Override
        public void close() {
            if (gradient != null) {
                gradient.close();
                gradient = null;
            }
        }
    }

    private Tensor giveBack(Tensor result) {
        OwnedTensor earlier = returned.put(Thread.currentThread(), new OwnedTensor(result));
        if (earlier != null) {
            earlier.close();
        }
        return result;
    }

    /// A callback that carries exceptions out of the engine by hand.
    private final class Hook extends TensorTensorHook implements AutoCloseable {
        private final UnaryOperator<Tensor> function;

        Hook(UnaryOperator<Tensor> function) {
            this.function = function;
            retainReference();
        }

        @Override
        public TensorBase call(TensorBase incoming) {
            if (failure.isThere()) {
                return incoming;
            }
            try (Scope _ = new Scope()) {
                return giveBack(function.apply(new Tensor(incoming)));
            } catch (RuntimeException | Error e) {
                failure.keep(e);
                return incoming;
            }
        }

        @Override
        public void close() {
            releaseReference();
        }
    }

    /// What a hook threw: exceptions cannot cross libtorch's engine and are carried past it by hand.
    static final class HookFailure {

        private volatile @Nullable Throwable thrown;

        boolean isThere() {
            return thrown != null;
        }

        /// @param fault a RuntimeException or an Error
        void keep(Throwable fault) {
            thrown = fault;
        }

        /// Throws it, if there is one.
        void rethrow() {
            Throwable fault = thrown;
            if (fault instanceof RuntimeException exception) {
                throw exception;
            }
            if (fault instanceof Error error) {
                throw error;
            }
        }
    }

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
}
