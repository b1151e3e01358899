package io.stencil.service;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/// Waits for what jobs do.
final class Await {

    private Await() {}

    /// Waits until a job is in a state.
    static void state(GenerationJob job, GenerationJob.State state) throws InterruptedException {
        while (job.state() != state) {
            if (job.state().isFinal()) {
                throw new AssertionError("%s and not %s".formatted(job.state(), state));
            }
            Thread.sleep(1);
        }
    }

    /// Subscribes, and waits for the last event.
    ///
    /// @return all events
    static List<JobEvent> events(GenerationJob job) throws InterruptedException {
        List<JobEvent> events = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch last = new CountDownLatch(1);
        job.subscribe(event -> {
            events.add(event);
            if (event.isLast()) {
                last.countDown();
            }
        });
        last.await();
        return List.copyOf(events);
    }
}
