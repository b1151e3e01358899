package io.stencil.nn;

import org.jspecify.annotations.Nullable;

/// Counts the multiplications, each with its addition, that layers of this thread do while it is open: those of linear
/// layers, convolutions and attention. Forward passes alone are counted.
///
/// ```java
/// try (FlopCounter counter = new FlopCounter()) {
///     transformer.forward(input);
///     return counter.total();
/// }
/// ```
public final class FlopCounter implements AutoCloseable {

    private static final ThreadLocal<@Nullable FlopCounter> CURRENT = new ThreadLocal<>();

    private final @Nullable FlopCounter outer = CURRENT.get();
    private long total;

    public FlopCounter() {
        CURRENT.set(this);
    }

    /// The multiplications counted so far.
    public long total() {
        return total;
    }

    /// Adds the product of all numbers, where a counter is open.
    static void add(long... factors) {
        FlopCounter current = CURRENT.get();
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
