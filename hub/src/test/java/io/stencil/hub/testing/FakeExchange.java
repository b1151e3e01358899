package io.stencil.hub.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/// One request to the fake hub, and the answers that may be given to it.
record FakeExchange(HttpExchange http, Fault.@Nullable Kind fault, Traffic traffic) {

    static final JsonMapper JSON = new JsonMapper();
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

    String path() {
        return http.getRequestURI().getPath();
    }

    /// A value of the query, or the empty text.
    String query(String name) {
        String query = http.getRequestURI().getRawQuery();
        for (String part : query == null ? new String[0] : query.split("&", -1)) {
            if (part.startsWith(name + "=")) {
                return URLDecoder.decode(part.substring(name.length() + 1).replace("+", "%2B"), StandardCharsets.UTF_8);
            }
        }
        return "";
    }

    /// The body of the request, as far as it is taken.
    byte[] body() throws IOException {
        return switch (fault) {
            case Fault.Dropped(int bytes) -> {
                http.getRequestBody().readNBytes(bytes);
                throw new IOException("broken off as the test wants it");
            }
            case Fault.Silent(int bytes) -> {
                http.getRequestBody().readNBytes(bytes);
                traffic.stall();
                throw new IOException("silent as the test wants it");
            }
            case Fault.Slow(int bytes, int millis) -> slowly(bytes, millis);
            case null, default -> http.getRequestBody().readAllBytes();
        };
    }

    private byte[] slowly(int bytes, int millis) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] piece = http.getRequestBody().readNBytes(bytes);
                piece.length > 0;
                piece = http.getRequestBody().readNBytes(bytes)) {
            all.write(piece);
            pause(millis);
        }
        return all.toByteArray();
    }

    JsonNode json() throws IOException {
        return JSON.readTree(body());
    }

    void answer(int original, String text) throws IOException {
        int status = fault instanceof Fault.LostAnswer ? 502 : original;
        byte[] bytes = encoded(text.getBytes(StandardCharsets.UTF_8));
        http.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        http.getResponseBody().write(bytes);
        http.close();
    }

    void answer(JsonNode json) throws IOException {
        http.getResponseHeaders().set("Content-Type", "application/json");
        answer(200, json.toString());
    }

    void redirect(String location) throws IOException {
        http.getResponseHeaders().set("Location", location);
        answer(302, "");
    }

    /// The content of a file, or the range of it that is requested.
    void content(byte[] original) throws IOException {
        String asked = http.getRequestHeaders().getFirst("Range");
        Matcher range = RANGE.matcher(asked == null ? "" : asked);
        byte[] content = changed(original, range.matches());
        int status = 200;
        if (range.matches() && !isWhole()) {
            int begin = Integer.parseInt(range.group(1));
            int end = Math.min(content.length, Integer.parseInt(range.group(2)) + 1);
            int announced = fault instanceof Fault.OtherRange ? begin + 1 : begin;
            http.getResponseHeaders()
                    .set("Content-Range", "bytes %s-%s/%s".formatted(announced, end - 1, content.length));
            content = Arrays.copyOfRange(content, begin, end);
            status = 206;
        }
        if (fault instanceof Fault.OtherLength(int more)) {
            content = Arrays.copyOf(content, content.length + more);
        }
        http.sendResponseHeaders(status, content.length);
        send(http.getResponseBody(), content);
        http.close();
    }

    private boolean isWhole() {
        return fault instanceof Fault.NoRanges
                || fault instanceof Fault.Encoded
                || fault instanceof Fault.Gzipped
                || (fault instanceof Fault.Instead instead && !instead.inRanges());
    }

    /// What the fault makes of a file's content.
    private byte[] changed(byte[] original, boolean isRange) throws IOException {
        switch (fault) {
            case Fault.WrongBytes _ -> {
                byte[] wrong = original.clone();
                wrong[wrong.length / 2] ^= 1;
                return wrong;
            }
            case Fault.Instead(String contentType, String content, boolean _) -> {
                http.getResponseHeaders().set("Content-Type", contentType);
                return content.getBytes(StandardCharsets.UTF_8);
            }
            case Fault.Gzipped(String content) -> {
                http.getResponseHeaders().set("Content-Encoding", "gzip");
                return gzip(content.getBytes(StandardCharsets.UTF_8));
            }
            case Fault.EncodedRange(String coding) -> {
                http.getResponseHeaders().set("Content-Encoding", coding);
                // Longer than the file, so that each range of the file is one of the compressed bytes too.
                return isRange ? Arrays.copyOf(gzip(original), original.length) : gzip(original);
            }
            case Fault.Together(CyclicBarrier barrier) -> {
                try {
                    barrier.await(300, TimeUnit.SECONDS);
                } catch (BrokenBarrierException | TimeoutException | InterruptedException e) {
                    throw new IOException("too few requests at the same time", e);
                }
            }
            case Fault.Held(CountDownLatch latch) -> {
                try {
                    latch.await(300, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    throw new IOException("the hub was closed", e);
                }
            }
            case null, default -> {}
        }
        return encoded(original);
    }

    private byte[] encoded(byte[] plain) throws IOException {
        if (fault instanceof Fault.Encoded(String coding)) {
            http.getResponseHeaders().set("Content-Encoding", coding);
            return gzip(plain);
        }
        return plain;
    }

    private static byte[] gzip(byte[] plain) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(plain);
        }
        return bytes.toByteArray();
    }

    private void send(OutputStream out, byte[] content) throws IOException {
        int piece = fault instanceof Fault.Slow(int bytes, int _) ? bytes : content.length;
        int limit = switch (fault) {
            case Fault.Dropped(int bytes) -> bytes;
            case Fault.Silent(int bytes) -> bytes;
            case null -> content.length;
            default -> content.length;
        };
        for (int at = 0; at < Math.min(limit, content.length); at += piece) {
            int length = Math.min(piece, Math.min(limit, content.length) - at);
            traffic.await();
            out.write(content, at, length);
            out.flush();
            traffic.add(length);
            if (fault instanceof Fault.Slow(int _, int millis)) {
                pause(millis);
            }
        }
        if (fault instanceof Fault.Silent) {
            traffic.stall();
        }
        if (limit < content.length) {
            throw new IOException("broken off as the test wants it");
        }
    }

    private static void pause(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
