package io.stencil.pipeline.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stencil.error.InvalidStateException;
import io.stencil.tensor.ProcessRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Calls within calls, and threads that would wait for each other.
@Timeout(600)
class CallGateTest {

    private final CallGate gate = new CallGate();
    private final CallGate other = new CallGate();

    private interface Work {
        void run() throws Exception;
    }

    private static FutureTask<Void> start(Work work) {
        FutureTask<Void> task = new FutureTask<>(() -> {
            work.run();
            return null;
        });
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    private static CallGate.Turn work(CallGate gate) {
        return gate.enter(CallGate.Kind.WORK, "generate()");
    }

    /// A thread that has a gate, until `on` counts down.
    private static FutureTask<Void> holding(CallGate gate, CountDownLatch on) throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        FutureTask<Void> task = start(() -> {
            try (CallGate.Turn _ = work(gate)) {
                held.countDown();
                on.await();
            }
        });
        held.await();
        return task;
    }

    @Test
    void aCallWithinAnInterruptedCallRunsThoughOthersWait() throws Exception {
        FutureTask<Void> waiting;
        try (CallGate.Turn _ = gate.enter(CallGate.Kind.SESSION, "generate()")) {
            CountDownLatch started = new CountDownLatch(1);
            Thread[] thread = new Thread[1];
            waiting = start(() -> {
                thread[0] = Thread.currentThread();
                started.countDown();
                work(gate).close();
            });
            started.await();
            while (thread[0].getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            Thread.currentThread().interrupt();
            try (CallGate.Turn _ = work(gate)) {
                assertThat(Thread.interrupted()).isTrue();
            }
        }
        waiting.get();
    }

    @Test
    void aThreadDoesNotWaitForOneThatWaitsForIt() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        String refusal = "() would wait forever: the thread that uses the pipeline waits for a pipeline that this"
                + " thread uses; call it when the other call has returned";
        FutureTask<Void> crossing;
        try (CallGate.Turn _ = work(gate)) {
            CountDownLatch held = new CountDownLatch(1);
            Thread[] thread = new Thread[1];
            crossing = start(() -> {
                thread[0] = Thread.currentThread();
                try (CallGate.Turn _ = work(other)) {
                    held.countDown();
                    work(gate).close();
                }
            });
            held.await();
            while (thread[0].getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            assertThatThrownBy(() -> work(other))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("generate" + refusal);
            assertThatThrownBy(() -> other.close(on::countDown))
                    .isInstanceOf(InvalidStateException.class)
                    .hasMessage("close" + refusal);
        }
        crossing.get();
        assertThat(on.getCount()).isEqualTo(1);
        work(other).close(); // it was not closed
    }

    @Test
    void aTemplatesCodeDoesNotWaitToClose() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        FutureTask<Void> holding = holding(gate, on);
        assertThatThrownBy(() -> ProcessRandom.seeded(1, () -> {
                    gate.close(() -> {});
                    return true;
                }))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageStartingWith(
                        "close() was called by a Template's code while another thread uses the pipeline");
        on.countDown();
        holding.get();
        work(gate).close(); // it was not closed
    }
}
