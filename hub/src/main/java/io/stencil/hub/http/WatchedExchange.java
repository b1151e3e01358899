package io.stencil.hub.http;

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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/// One request and the head of its answer. It is given up when neither moves for too long: a body takes as long as it
/// takes, and so no limit on the whole could tell a slow connection from a dead one.
final class WatchedExchange {

    /// What a system may hold of a body that it took and has not sent yet.
    private static final long BUFFERED = 4 << 20;

    /// The slowest sending of that which is waited for, in bytes a second.
    private static final long SLOWEST = 64 << 10;

    private final HttpClient client;
    private final Duration silence;
    private final AtomicLong sent = new AtomicLong();
    private volatile long lastMoved = System.nanoTime();
    private volatile boolean complete;

    WatchedExchange(HttpClient client, Duration silence) {
        this.client = client;
        this.silence = silence;
    }

    /// The body, whose bytes count as signs of life when the connection takes them.
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

    /// @throws SilenceException when nothing moved for too long
    HttpResponse<InputStream> send(HttpRequest request) throws IOException, InterruptedException {
        CompletableFuture<HttpResponse<InputStream>> answer =
                client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
        boolean answered = false;
        try {
            HttpResponse<InputStream> response = await(answer);
            answered = true;
            return response;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException fault -> throw fault;
                case UnresolvedAddressException fault -> throw fault;
                case null, default -> throw new IOException(e.getCause());
            }
        } finally {
            if (!answered) {
                answer.cancel(true); // closes the connection
            }
        }
    }

    private HttpResponse<InputStream> await(CompletableFuture<HttpResponse<InputStream>> answer)
            throws ExecutionException, InterruptedException, SilenceException {
        while (true) {
            try {
                return answer.get(Math.max(0, limit().toNanos() - quiet()), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                boolean wasComplete = complete;
                Duration limit = limit();
                if (quiet() >= limit.toNanos()) {
                    throw wasComplete
                            ? SilenceException.ofAnswer(limit, e)
                            : SilenceException.ofRequest(sent.get(), limit, e);
                }
            }
        }
    }

    private long quiet() {
        return System.nanoTime() - lastMoved;
    }

    /// The answer may wait for the end of a body that left this process, and not yet this machine.
    private Duration limit() {
        return complete ? silence.plusMillis(Math.min(sent.get(), BUFFERED) * 1000 / SLOWEST) : silence;
    }

    private final class Watch implements Flow.Subscriber<ByteBuffer> {

        private final Flow.Subscriber<? super ByteBuffer> connection;

        Watch(Flow.Subscriber<? super ByteBuffer> connection) {
            this.connection = connection;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            lastMoved = System.nanoTime();
            connection.onSubscribe(subscription);
        }

        @Override
        public void onNext(ByteBuffer piece) {
            sent.addAndGet(piece.remaining());
            lastMoved = System.nanoTime();
            connection.onNext(piece);
        }

        @Override
        public void onError(Throwable fault) {
            connection.onError(fault);
        }

        @Override
        public void onComplete() {
            lastMoved = System.nanoTime();
            complete = true;
            connection.onComplete();
        }
    }
}
