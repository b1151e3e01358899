package io.stencil.hub.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/// The body of an answer, which fails when nothing comes for too long: a blocked read has no time limit of its own.
final class WatchedBody extends FilterInputStream {

    private final Duration silence;
    private final ScheduledFuture<?> watch;
    private volatile long lastHeard = System.nanoTime();
    private volatile boolean silent;

    WatchedBody(InputStream body, Duration silence, ScheduledExecutorService watcher) {
        super(body);
        this.silence = silence;
        long period = Math.max(1, silence.toMillis() / 4);
        this.watch = watcher.scheduleAtFixedRate(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    private void look() {
        if (System.nanoTime() - lastHeard > silence.toNanos()) {
            silent = true;
            try {
                in.close();
            } catch (IOException e) {
                // The reader is told by its own failing read.
                watch.cancel(false);
            }
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        int count;
        try {
            count = super.read(bytes, offset, length);
        } catch (IOException e) {
            throw silent ? SilenceException.ofBody(silence, e) : e;
        }
        if (silent) {
            throw SilenceException.ofBody(silence, null);
        }
        lastHeard = System.nanoTime();
        return count;
    }

    @Override
    public void close() throws IOException {
        watch.cancel(false);
        super.close();
    }
}
