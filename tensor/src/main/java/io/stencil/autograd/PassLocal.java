package io.stencil.autograd;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A value that belongs to the forward pass on this thread, such as the LoRA updates bound to linear layers: passes
/// that run on other threads at the same time, through the same modules, have values of their own.
///
/// A [GradientTape] captures all values with each segment and restores them while it recomputes the segment, on
/// whatever thread libtorch calls back.
///
/// @param <T> of immutable values
public final class PassLocal<T> {

    private static final ThreadLocal<Map<PassLocal<?>, Object>> VALUES = ThreadLocal.withInitial(Map::of);

    /// The value of this thread's pass, or null.
    @SuppressWarnings("unchecked") // only this object puts a value under itself
    public @Nullable T get() {
        return (T) VALUES.get().get(this);
    }

    /// Replaces the value; null removes it. Segments that were captured before keep the earlier one.
    public void set(@Nullable T value) {
        Map<PassLocal<?>, Object> changed = new HashMap<>(VALUES.get());
        if (value == null) {
            changed.remove(this);
        } else {
            changed.put(this, value);
        }
        restore(Map.copyOf(changed));
    }

    private static void restore(Map<PassLocal<?>, Object> values) {
        if (values.isEmpty()) {
            VALUES.remove();
        } else {
            VALUES.set(values);
        }
    }

    /// Captures all values of this thread's pass.
    static Captured capture() {
        return new Captured(VALUES.get());
    }

    /// The values that a pass had.
    record Captured(Map<PassLocal<?>, Object> values) {

        /// Puts them in place on this thread until the result is closed.
        Restored restore() {
            Map<PassLocal<?>, Object> before = VALUES.get();
            PassLocal.restore(values);
            return () -> PassLocal.restore(before);
        }
    }

    /// Ends a restoration.
    @FunctionalInterface
    interface Restored extends AutoCloseable {
        @Override
        void close();
    }
}
