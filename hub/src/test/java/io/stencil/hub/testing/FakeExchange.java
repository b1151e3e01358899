package io.stencil.hub.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// One request to the fake hub, and the answers that may be given to it.
record FakeExchange(HttpExchange http, Fault.@Nullable Kind fault, AtomicLong served) {

    static final JsonMapper JSON = new JsonMapper();
    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

    String path() {
        return http.getRequestURI().getPath();
    }

    /// A value of the query, or the empty text.
    String query(String name) {
        String query = http.getRequestURI().getQuery();
        for (String part : query == null ? new String[0] : query.split("&", -1)) {
            if (part.startsWith(name + "=")) {
                return part.substring(name.length() + 1);
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
                pause(3_000);
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
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
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

    /// The content of a file, or the range of it that is asked for.
    void content(byte[] original) throws IOException {
        byte[] content = original.clone();
        if (fault instanceof Fault.WrongBytes) {
            content[content.length / 2] ^= 1;
        }
        String asked = http.getRequestHeaders().getFirst("Range");
        Matcher range = RANGE.matcher(asked == null ? "" : asked);
        int status = 200;
        if (range.matches() && !(fault instanceof Fault.NoRanges)) {
            int begin = Integer.parseInt(range.group(1));
            int end = Math.min(content.length, Integer.parseInt(range.group(2)) + 1);
            int told = fault instanceof Fault.OtherRange ? begin + 1 : begin;
            http.getResponseHeaders().set("Content-Range", "bytes %s-%s/%s".formatted(told, end - 1, content.length));
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
            out.write(content, at, length);
            out.flush();
            served.addAndGet(length);
            if (fault instanceof Fault.Slow(int _, int millis)) {
                pause(millis);
            }
        }
        if (fault instanceof Fault.Silent) {
            pause(3_000);
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
