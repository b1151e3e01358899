package io.stencil.hub.testing;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Bytes of files that a fake hub has sent, and how many it may send.
final class Traffic {

    private final CountDownLatch end = new CountDownLatch(1);
    private long sent;
    private long limit = Long.MAX_VALUE;

    synchronized long sent() {
        return sent;
    }

    /// From now on no more bytes are sent when so many are, until a higher limit is set.
    synchronized void limit(long bytes) {
        limit = bytes;
        notifyAll();
    }

    /// Waits until more may be sent.
    synchronized void await() throws IOException {
        try {
            while (sent >= limit && end.getCount() > 0) {
                wait(100);
            }
        } catch (InterruptedException e) {
            throw new IOException("the hub was closed", e);
        }
    }

    synchronized void add(int bytes) {
        sent += bytes;
    }

    /// Stays silent until the hub is closed, or the caller has surely given up.
    void stall() throws IOException {
        try {
            end.await(300, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IOException("the hub was closed", e);
        }
    }

    void close() {
        end.countDown();
    }
}
