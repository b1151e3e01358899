package io.stencil.nn;

import org.jspecify.annotations.Nullable;

/// Counts the multiplications, each with its addition, that layers of this thread do while it is open: those of linear
/// layers, convolutions and attention. Forward passes alone are counted.
///
/// ```java
/// try (MultiplyAdds count = new MultiplyAdds()) {
///     transformer.forward(input);
///     return count.total();
/// }
/// ```
public final class MultiplyAdds implements AutoCloseable {

    private static final ThreadLocal<@Nullable MultiplyAdds> CURRENT = new ThreadLocal<>();

    private final @Nullable MultiplyAdds outer = CURRENT.get();
    private long total;

    public MultiplyAdds() {
        CURRENT.set(this);
    }

    /// What was counted so far.
    public long total() {
        return total;
    }

    /// Adds the product of all numbers, where somebody counts.
    static void add(long... factors) {
        MultiplyAdds current = CURRENT.get();
        if (current != null) {
            long product = 1;
            for (long factor : factors) {
                product = Math.multiplyExact(product, factor);
            }
            current.total += product;
        }
    }

    @Override
    public void close() {
        if (outer == null) {
            CURRENT.remove();
        } else {
            outer.total += total;
            CURRENT.set(outer);
        }
    }
}
