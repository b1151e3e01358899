package io.stencil.hub.http;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Sends one request and fails when its connection stalls. A time limit on the whole could not distinguish a slow
/// connection from a dead one.
final class TimedExchange {

    /// Bytes of a body that a system may have buffered and not sent yet.
    private static final long BUFFERED = 4 << 20;

    /// Slowest accepted sending of those, in bytes a second.
    private static final long SLOWEST = 64 << 10;

    private final HttpClient client;
    private final Duration stallTimeout;
    private final AtomicLong sent = new AtomicLong();
    private volatile long lastProgress = System.nanoTime();
    private volatile boolean complete;

    TimedExchange(HttpClient client, Duration stallTimeout) {
        this.client = client;
        this.stallTimeout = stallTimeout;
    }

    /// Watches a body, whose bytes count as progress when the connection takes them.
    BodyPublisher watched(BodyPublisher body) {
        if (body.contentLength() == 0) {
            complete = true;
            return body;
        }
        return new BodyPublisher() {
            @Override
            public long contentLength() {
                return body.contentLength();
            }

            @Override
            public void subscribe(Flow.Subscriber<? super ByteBuffer> connection) {
                body.subscribe(new Watch(connection));
            }
        };
    }

    /// @throws StallException when nothing was sent or received for too long
    HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        CompletableFuture<HttpResponse<InputStream>> pending =
                client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
        boolean received = false;
        try {
            HttpResponse<InputStream> response = await(pending);
            received = true;
            return response;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException fault -> throw fault;
                case UnresolvedAddressException fault -> throw fault;
                case null, default -> throw new IOException(e.getCause());
            }
        } finally {
            if (!received) {
                pending.cancel(true); // closes the connection
            }
        }
    }

    private HttpResponse<InputStream> await(CompletableFuture<HttpResponse<InputStream>> pending)
            throws ExecutionException, InterruptedException, StallException {
        while (true) {
            try {
                return pending.get(Math.max(0, limit().toNanos() - idleNanos()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                boolean wasComplete = complete;
                Duration limit = limit();
                if (idleNanos() >= limit.toNanos()) {
                    throw wasComplete
                            ? StallException.ofResponse(limit, e)
                            : StallException.ofRequest(sent.get(), limit, e);
                }
            }
        }
    }

    private long idleNanos() {
        return System.nanoTime() - lastProgress;
    }

    /// Allows for the part of a body that left this process, and not yet this machine.
    private Duration limit() {
        return complete ? stallTimeout.plusMillis(Math.min(sent.get(), BUFFERED) * 1000 / SLOWEST) : stallTimeout;
    }

    private final class Watch implements Flow.Subscriber<ByteBuffer> {

        private final Flow.Subscriber<? super ByteBuffer> connection;

        Watch(Flow.Subscriber<? super ByteBuffer> connection) {
            this.connection = connection;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            lastProgress = System.nanoTime();
            connection.onSubscribe(subscription);
        }

        @Override
        public void onNext(ByteBuffer piece) {
            sent.addAndGet(piece.remaining());
            lastProgress = System.nanoTime();
            connection.onNext(piece);
        }

        @Override
        public void onError(Throwable fault) {
            connection.onError(fault);
        }

        @Override
        public void onComplete() {
            lastProgress = System.nanoTime();
            complete = true;
            connection.onComplete();
        }
    }

    /// Response body that fails when no data arrives for too long: a blocked read has no time limit of its own.
    static final class Body extends FilterInputStream {

        private final Duration stallTimeout;
        private final ScheduledFuture<?> watch;
        private volatile long lastRead = System.nanoTime();
        private volatile boolean stalled;

        Body(InputStream body, Duration stallTimeout, ScheduledExecutorService watcher) {
            super(body);
            this.stallTimeout = stallTimeout;
            long period = Math.max(1, stallTimeout.toMillis() / 4);
            this.watch = watcher.scheduleAtFixedRate(this::check, period, period, TimeUnit.MILLISECONDS);
        }

        private void check() {
            if (System.nanoTime() - lastRead > stallTimeout.toNanos()) {
                stalled = true;
                try {
                    in.close();
                } catch (IOException e) {
                    // The reader fails with its own read.
                    watch.cancel(false);
                }
            }
        }

        @Override
        public int read() throws IOException {
            byte[] single = new byte[1];
            return read(single, 0, 1) < 0 ? -1 : single[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count;
            try {
                count = super.read(bytes, offset, length);
            } catch (IOException e) {
                throw stalled ? StallException.ofBody(stallTimeout, e) : e;
            }
            if (stalled) {
                throw StallException.ofBody(stallTimeout, null);
            }
            lastRead = System.nanoTime();
            return count;
        }

        @Override
        public void close() throws IOException {
            watch.cancel(false);
            super.close();
        }
    }

    /// Connection on which nothing was received, or sent, for too long.
    static final class StallException extends IOException {

        private static final long serialVersionUID = 1L;

        private StallException(String what, @Nullable Throwable cause) {
            super(what, cause);
        }

        static StallException ofBody(Duration stallTimeout, @Nullable Throwable cause) {
            return new StallException("fell silent: no data came for %s ms".formatted(stallTimeout.toMillis()), cause);
        }

        static StallException ofResponse(Duration stallTimeout, Throwable cause) {
            return new StallException("did not answer within %s ms".formatted(stallTimeout.toMillis()), cause);
        }

        /// @param sent bytes of the request's body before the stall
        static StallException ofRequest(long sent, Duration stallTimeout, Throwable cause) {
            return new StallException(
                    "took %s bytes, and no more for %s ms".formatted(sent, stallTimeout.toMillis()), cause);
        }
    }
}
