package io.stencil.tensor;

import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/// Memory into which parts of weights are cast: one piece a thread, for all products.
///
/// The outermost [Scope] of the thread owns it: a request or a training step takes it once, and nothing stays behind.
final class CastBuffer {

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
