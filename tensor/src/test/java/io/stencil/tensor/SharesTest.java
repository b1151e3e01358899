package io.stencil.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SharesTest {

    static {
        Libtorch.load();
    }

    private final int threads = torch.get_num_threads();

    @AfterEach
    void restore() {
        torch.set_num_threads(threads);
    }

    @Test
    void allElementsAreInOneShare() {
        torch.set_num_threads(3);
        Set<Long> elements = ConcurrentHashMap.newKeySet();
        Shares.forEach(10, 4, (first, count) -> {
            for (long i = first; i < first + count; i++) {
                assertThat(elements.add(i)).isTrue();
            }
        });
        assertThat(elements).hasSize(10);
    }

    /// The caller frees the memory of all of them then.
    @Test
    void noShareRunsAfterOneHasFailed() {
        torch.set_num_threads(4);
        AtomicBoolean failed = new AtomicBoolean();
        Set<Long> ended = ConcurrentHashMap.newKeySet();
        assertThatThrownBy(() -> Shares.forEach(4, 4, (first, _) -> {
                    if (!failed.getAndSet(true)) { // the one that runs first
                        throw new InternalError("a fault occurred in an unsafe memory access operation");
                    }
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
                    ended.add(first);
                }))
                .isInstanceOf(InternalError.class);
        assertThat(ended).hasSize(3);
    }
}
