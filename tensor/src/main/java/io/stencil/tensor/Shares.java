package io.stencil.tensor;

import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// Divides elements among threads, at most as many as libtorch has.
final class Shares {

    private Shares() {}

    /// Computes one share.
    @FunctionalInterface
    interface Body {

        /// @param first element of the share
        /// @param count of its elements
        void run(long first, long count);
    }

    /// Computes all shares. They have ended when this returns or throws: none uses memory that the caller frees then.
    ///
    /// @param count of elements
    /// @param most shares
    static void forEach(long count, long most, Body body) {
        int shares = Math.clamp(most, 1, torch.get_num_threads());
        AtomicReference<@Nullable Throwable> fault = new AtomicReference<>();
        IntStream.range(0, shares).parallel().forEach(share -> {
            long first = count * share / shares;
            try {
                body.run(first, count * (share + 1) / shares - first);
            } catch (RuntimeException | Error e) {
                fault.compareAndSet(null, e);
            }
        });
        switch (fault.get()) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError("is neither", fault.get());
        }
    }
}
