package io.stencil.tensor;

import io.stencil.error.InvalidStateException;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Owns every native object made on this thread until [#close]; [#keep] hands one to the enclosing scope.
///
/// One scope a request, a step, a block:
/// ```java
/// try (Scope scope = new Scope()) {
///     return scope.keep(block.forward(x));
/// }
/// ```
/// Weights and other long-lived tensors are held by an [OwnedTensor] instead. A scope belongs to the thread that opened
/// it, and refuses others: what it owns may be in use there.
public final class Scope implements AutoCloseable {

    static {
        Libtorch.load();
    }

    private final Thread thread = Thread.currentThread();
    private final @Nullable PointerScope outer = PointerScope.getInnerScope();
    private final PointerScope inner = new PointerScope();

    /// Whether a scope is open on this thread.
    public static boolean isOpen() {
        return PointerScope.getInnerScope() != null;
    }

    /// Lets a tensor outlive this scope, owned by the enclosing one.
    ///
    /// @return the tensor to use from now on
    /// @throws InvalidStateException when there is no enclosing scope
    public Tensor keep(Tensor tensor) {
        if (outer == null) {
            throw new InvalidStateException("no enclosing scope: open one where the result is used");
        }
        Tensor owned = OwnedTensor.handle(tensor);
        outer.attach(owned); // adds a reference, which the close of this scope does not take
        return owned;
    }

    /// The innermost open scope of this thread as a mark for [#closeSince]; null when none is open.
    public static @Nullable Object mark() {
        return PointerScope.getInnerScope();
    }

    /// Closes all scopes of this thread that were opened after [#mark] returned `mark` and that are still open.
    ///
    /// @return how many there were
    /// @throws RuntimeException of an action of [#onClose], after all are closed
    public static int closeSince(@Nullable Object mark) {
        int count = 0;
        for (PointerScope open = PointerScope.getInnerScope();
                open != null && !open.equals(mark);
                open = PointerScope.getInnerScope()) {
            open.close();
            count++;
        }
        Action.rethrow();
        return count;
    }

    /// Keeps a tensor of another owner in memory until this scope is closed.
    ///
    /// @return false when it was freed already
    public boolean hold(Tensor tensor) {
        if (tensor.isNull()) {
            return false;
        }
        inner.attach(OwnedTensor.handle(tensor)); // adds a reference
        return !tensor.isNull();
    }

    /// Keeps a tensor of another owner in memory until the innermost scope of this thread is closed, where one is open.
    ///
    /// @param tensor not freed yet
    public static void share(Tensor tensor) {
        PointerScope innermost = PointerScope.getInnerScope();
        if (innermost != null) {
            innermost.attach(tensor); // adds a reference
        }
    }

    /// Runs `action` when the innermost scope of this thread is closed.
    ///
    /// @return false when none is open; `action` is not run then
    public static boolean onClose(Runnable action) {
        if (!isOpen()) {
            return false;
        }
        new Action(action);
        return true;
    }

    /// A native object of no memory, which the innermost scope owns from its construction on.
    private static final class Action extends Pointer {

        private static final ThreadLocal<@Nullable Throwable> FAILURE = new ThreadLocal<>();

        Action(Runnable action) {
            deallocator(() -> {
                try {
                    action.run();
                } catch (RuntimeException | Error e) {
                    remember(e); // what follows in the scope has to be freed too
                }
            });
        }

        private static void remember(Throwable failure) {
            Throwable first = FAILURE.get();
            if (first == null) {
                FAILURE.set(failure);
            } else {
                first.addSuppressed(failure);
            }
        }

        /// Throws what actions of this thread have thrown since the last call.
        static void rethrow() {
            Throwable failure = FAILURE.get();
            FAILURE.remove();
            switch (failure) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case null, default -> {}
            }
        }
    }

    /// Frees all that was made in this scope and not kept; the outermost one also the memory that products share.
    ///
    /// @throws InvalidStateException on another thread than the one that opened it
    /// @throws RuntimeException of an action of [#onClose], after all is freed
    @Override
    public void close() {
        if (thread != Thread.currentThread()) {
            throw new InvalidStateException(
                    "a scope was opened on thread '%s' and is closed on '%s'; close it where it was opened"
                            .formatted(thread.getName(), Thread.currentThread().getName()));
        }
        try {
            inner.close();
        } finally {
            if (outer == null) {
                CastBuffer.free();
            }
        }
        Action.rethrow();
    }

    /// Memory into which parts of weights are cast: one piece a thread, for all products.
    ///
    /// The outermost scope of the thread owns it: a request or a training step takes it once, and nothing stays behind.
    static final class CastBuffer {

        private static final ThreadLocal<@Nullable OwnedTensor> HELD = new ThreadLocal<>();

        private CastBuffer() {}

        /// Memory for `elements` or more; what was there before is lost.
        static Tensor of(DType dtype, Device device, long elements) {
            OwnedTensor held = HELD.get();
            if (held != null
                    && DType.of(held.get()) == dtype
                    && Device.of(held.get()).equals(device)
                    && held.get().numel() >= elements) {
                return held.get();
            }
            free();
            Tensor fresh = Tensors.empty(dtype, device, elements);
            HELD.set(new OwnedTensor(fresh));
            return fresh;
        }

        /// Whether this thread has a buffer.
        static boolean isHeld() {
            return HELD.get() != null;
        }

        static void free() {
            OwnedTensor held = HELD.get();
            if (held != null) {
                HELD.remove();
                held.close();
            }
        }
    }
}
