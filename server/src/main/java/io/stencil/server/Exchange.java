package io.stencil.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stencil.json.Json;
import io.stencil.json.JsonReason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;

/// One request and its response, read and written by one virtual thread.
final class Exchange implements AutoCloseable {

    private static final String JSON = "application/json";
    private static final int PIECE = 1 << 14;
    private static final int KIB = 1 << 10;

    /// Bytes of a body without a length that are reserved at a time.
    private static final int RESERVED = 1 << 20;

    /// Bytes of a refused body that are read, so that the client reads the answer before its connection ends.
    private static final long DRAINED_BYTES = 16L << 20;

    private static final Duration DRAINED_TIME = Duration.ofSeconds(2);

    private final Request request;
    private final Response response;
    private final ServerSettings.Limits limits;
    private final Semaphore bodyMemory;
    private final Consumer<Throwable> faults;
    private final BooleanSupplier isStopping;
    private final ByteBuffer probe = ByteBuffer.allocate(1);
    private int reservedKib;
    private boolean isBodyRead;
    private boolean isWatched = true;

    /// @param bodyMemory what is left for bodies of requests, in KiB
    /// @param faults receives faults of the server
    /// @param isStopping whether the server stops
    Exchange(
            Request request,
            Response response,
            ServerSettings.Limits limits,
            Semaphore bodyMemory,
            Consumer<Throwable> faults,
            BooleanSupplier isStopping) {
        this.request = request;
        this.response = response;
        this.limits = limits;
        this.bodyMemory = bodyMemory;
        this.faults = faults;
        this.isStopping = isStopping;
        request.addIdleTimeoutListener(_ -> false); // while the request waits for its images
    }

    String id() {
        return request.getConnectionMetaData().getId() + "-" + request.getId();
    }

    String method() {
        return request.getMethod();
    }

    /// Returns the path, decoded.
    String path() {
        return Request.getPathInContext(request);
    }

    HttpFields headers() {
        return request.getHeaders();
    }

    /// Returns host and port that the request names, or null.
    @Nullable
    String authority() {
        String authority = request.getHttpURI().getAuthority();
        return authority == null ? request.getHeaders().get(HttpHeader.HOST) : authority;
    }

    @Nullable
    String query(String name) {
        try {
            return Request.extractQueryParameters(request).getValue(name);
        } catch (RuntimeException _) { // whatever Jetty throws for bytes that are no UTF-8
            throw new ApiException(ApiException.BAD_REQUEST, "The query of the URL cannot be decoded.", null, null);
        }
    }

    /// Returns whether the client prefers a type of content, such as `image/png`, before all others.
    boolean accepts(String type) {
        String accept = request.getHeaders().get(HttpHeader.ACCEPT);
        return accept != null && accept.strip().toLowerCase(Locale.ROOT).startsWith(type);
    }

    /// Returns the type of the body without its parameters, in lower case; empty where the request names none.
    String contentType() {
        String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
        return type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    }

    /// Reads the body as a JSON object.
    ///
    /// @throws ApiException for another type, text that is not JSON, or a value that is no object
    ObjectNode json() {
        if (!contentType().equals(JSON)) {
            throw unsupportedType(JSON);
        }
        byte[] body = body();
        try {
            if (Json.MAPPER.readTree(body) instanceof ObjectNode object) {
                return object;
            }
        } catch (JsonProcessingException fault) {
            throw malformed(JsonReason.of(fault));
        } catch (IOException fault) {
            throw malformed("it is not UTF-8");
        }
        throw malformed("it is not an object");
    }

    ApiException unsupportedType(String expected) {
        return new ApiException(
                ApiException.UNSUPPORTED_TYPE,
                "Unsupported content type: '%s'. This API method only accepts '%s' requests."
                        .formatted(contentType(), expected),
                null,
                "unsupported_content_type");
    }

    private static ApiException malformed(String reason) {
        return new ApiException(
                ApiException.BAD_REQUEST,
                "We could not parse the JSON body of your request: %s.".formatted(reason),
                null,
                null);
    }

    /// Reads the body.
    ///
    /// @throws ApiException when it is too large or too slow, or there is no memory for it now
    byte[] body() {
        if (request.getHeaders().contains(HttpHeader.CONTENT_ENCODING)) {
            throw new ApiException(
                    ApiException.UNSUPPORTED_TYPE,
                    "Compressed bodies are not supported; send the body without Content-Encoding.",
                    null,
                    "unsupported_content_encoding");
        }
        long length = request.getLength();
        requireSize(length);
        reserve(Math.toIntExact(Math.max(length, 0)));
        ByteArrayOutputStream body = new ByteArrayOutputStream(Math.toIntExact(Math.max(length, PIECE)));
        long begin = System.nanoTime();
        byte[] piece = new byte[PIECE];
        try (InputStream stream = Content.Source.asInputStream(request)) {
            for (int count = stream.read(piece); count >= 0; count = stream.read(piece)) {
                requireSize((long) body.size() + count);
                if (body.size() + count > reservedKib * (long) KIB) {
                    reserve(Math.min(RESERVED, limits.bodyBytes()));
                }
                body.write(piece, 0, count);
                requireRate(body.size(), begin);
            }
        } catch (IOException fault) {
            throw isTimeout(fault) ? slow() : cutShort();
        }
        isBodyRead = true;
        return body.toByteArray();
    }

    private void requireSize(long bytes) {
        if (bytes > limits.bodyBytes()) {
            throw new ApiException(
                    ApiException.TOO_LARGE,
                    "The body of the request is larger than %s bytes.".formatted(limits.bodyBytes()),
                    null,
                    "request_too_large");
        }
    }

    private void requireRate(long bytes, long begin) {
        long nanos = System.nanoTime() - begin - limits.patience().toNanos();
        if (nanos > 0 && bytes * 1e9 / nanos < limits.bytesPerSecond()) {
            throw slow();
        }
    }

    private static ApiException slow() {
        return new ApiException(
                ApiException.TIMEOUT, "The body of the request did not arrive in time.", null, "request_timeout");
    }

    private static boolean isTimeout(@Nullable Throwable fault) {
        return fault instanceof TimeoutException || (fault != null && isTimeout(fault.getCause()));
    }

    private static ApiException cutShort() {
        return new ApiException(
                ApiException.BAD_REQUEST, "The body of the request is malformed or cut short.", null, null);
    }

    private void reserve(int bytes) {
        int kib = Math.ceilDiv(bytes, KIB);
        if (!bodyMemory.tryAcquire(kib)) {
            throw ApiException.later(
                    ApiException.TOO_MANY,
                    "Too many requests with large bodies at a time; send it again later.",
                    "rate_limit_exceeded",
                    Duration.ofSeconds(1));
        }
        reservedKib += kib;
    }

    /// Returns whether the client has closed its connection. A second request that a client sends before the answer
    /// (pipelining) is not answered: the connection ends after this one.
    boolean isGone() {
        EndPoint connection = request.getConnectionMetaData().getConnection().getEndPoint();
        if (!connection.isOpen() || connection.isInputShutdown()) {
            return true;
        }
        if (isWatched && connection.getTransport() instanceof SocketChannel channel) {
            try {
                int count = channel.read(probe.clear());
                if (count > 0) {
                    isWatched = false;
                    if (!response.isCommitted()) {
                        closeAfterwards();
                    }
                }
                return count < 0;
            } catch (IOException _) {
                return true;
            }
        }
        return false;
    }

    void header(String name, String value) {
        response.getHeaders().put(name, value);
    }

    /// Sends a JSON value and ends the response.
    void send(int status, JsonNode value) throws IOException {
        send(status, JSON, Json.MAPPER.writeValueAsBytes(value));
    }

    /// Sends bytes and ends the response.
    void send(int status, String type, byte[] bytes) throws IOException {
        begin(status, type);
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, bytes.length);
        Content.Sink.write(response, true, ByteBuffer.wrap(bytes));
    }

    /// Sends a status without a body.
    void send(int status) throws IOException {
        response.setStatus(status);
        Content.Sink.write(response, true, ByteBuffer.allocate(0));
    }

    /// Sends an error and ends the response.
    void send(ApiException fault) throws IOException {
        Optional.ofNullable(fault.retryAfter())
                .ifPresent(time -> header("Retry-After", String.valueOf(Math.max(1, time.toSeconds()))));
        if (fault.status() == ApiException.UNAUTHORIZED) {
            header("WWW-Authenticate", "Bearer");
        }
        if (!isBodyRead && request.getLength() != 0) {
            closeAfterwards();
            drain();
        }
        send(fault.status(), fault.body());
    }

    private void begin(int status, String type) {
        response.setStatus(status);
        header("Content-Type", type);
        header("X-Content-Type-Options", "nosniff");
        if (response.getHeaders().get(HttpHeader.CACHE_CONTROL) == null) {
            header("Cache-Control", "no-store");
        }
    }

    private void closeAfterwards() {
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
    }

    /// Reads a part of the body that arrives at once: a client that is sending sees a closed connection, and not the
    /// answer.
    private void drain() {
        long end = System.nanoTime() + DRAINED_TIME.toNanos();
        long bytes = 0;
        while (bytes < DRAINED_BYTES && System.nanoTime() < end) {
            Content.Chunk chunk = request.read();
            if (chunk == null) {
                if (!sleep()) {
                    return;
                }
                continue;
            }
            bytes += chunk.remaining();
            chunk.release();
            if (chunk.isLast() || Content.Chunk.isFailure(chunk)) {
                return;
            }
        }
    }

    private static boolean sleep() {
        try {
            Thread.sleep(Duration.ofMillis(5));
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /// Describes the end of a job that was cancelled: by a client, or as the server stops.
    ApiException cancelled() {
        return isStopping.getAsBoolean()
                ? ApiException.closing()
                : new ApiException(ApiException.GONE, "The job was cancelled.", null, "job_cancelled");
    }

    /// Reports a fault of the server, which the client does not see in full.
    void report(Throwable fault) {
        faults.accept(fault);
    }

    boolean isCommitted() {
        return response.isCommitted();
    }

    /// Begins a stream of server-sent events.
    Events events() throws IOException {
        header("X-Accel-Buffering", "no");
        header("Cache-Control", "no-cache");
        closeAfterwards(); // for the connection is probed while it streams, which may take a byte of a next request
        begin(200, "text/event-stream");
        Content.Sink.write(response, false, ByteBuffer.allocate(0));
        return new Events();
    }

    /// Server-sent events, as the HTML standard defines them.
    final class Events {

        /// @param id of the event; null for none
        void send(String name, @Nullable String id, JsonNode data) throws IOException {
            write((id == null ? "" : "id: " + id + "\n") + "event: " + name + "\ndata: "
                    + Json.MAPPER.writeValueAsString(data) + "\n\n");
        }

        /// Sends a comment, which clients ignore, so that proxies keep the connection.
        void keepAlive() throws IOException {
            write(": \n\n");
        }

        /// Ends the stream.
        void end() throws IOException {
            Content.Sink.write(response, true, ByteBuffer.allocate(0));
        }

        private void write(String text) throws IOException {
            Content.Sink.write(response, false, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /// Frees the memory of the body for others.
    @Override
    public void close() {
        bodyMemory.release(reservedKib);
        reservedKib = 0;
    }
}
