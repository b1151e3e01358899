package io.stencil.hub.testing;

import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;

/// What the fake hub does wrong.
///
/// @param path part of the request's path and query that it concerns
/// @param before how many such requests are still answered well
/// @param times how often it happens yet
public record Fault(String path, Kind kind, AtomicInteger before, AtomicInteger times) {

    /// How an answer is wrong.
    public sealed interface Kind {}

    /// Another status, with these headers and this text.
    public record Status(int code, Map<String, String> headers, String text) implements Kind {}

    /// Other bytes of the same length.
    public record WrongBytes() implements Kind {}

    /// So many bytes more than were requested, or fewer; the range announced is the one requested.
    public record OtherLength(int more) implements Kind {}

    /// The response announces another range than was requested.
    public record OtherRange() implements Kind {}

    /// The connection is closed after so many bytes of the body: of the request where it has one, else of the answer.
    public record Dropped(int bytes) implements Kind {}

    /// Nothing more is taken, or comes, after so many bytes of the body.
    public record Silent(int bytes) implements Kind {}

    /// The body is taken, or comes, in small pieces with pauses.
    public record Slow(int bytes, int millis) implements Kind {}

    /// The request is carried out, and the response reports a failure.
    public record LostAnswer() implements Kind {}

    /// The whole body comes compressed by gzip, under this name of a content coding.
    public record Encoded(String coding) implements Kind {}

    /// Other content comes whole, compressed by gzip.
    public record Gzipped(String content) implements Kind {}

    /// A range that is requested is one of the compressed body; without a range the whole of it comes.
    public record EncodedRange(String coding) implements Kind {}

    /// Other content comes under status 200, or in ranges.
    public record Instead(String contentType, String content, boolean inRanges) implements Kind {}

    /// Content comes when as many requests as the barrier wants are there at the same time.
    public record Together(CyclicBarrier barrier) implements Kind {}

    /// Content comes when the latch is open.
    public record Held(CountDownLatch latch) implements Kind {}

    /// The requested range is ignored.
    public record NoRanges() implements Kind {}

    public static Fault status(String path, int code, int times) {
        return new Fault(path, new Status(code, Map.of(), "no"), new AtomicInteger(), new AtomicInteger(times));
    }

    public static Fault of(String path, Kind kind, int times) {
        return new Fault(path, kind, new AtomicInteger(), new AtomicInteger(times));
    }

    boolean takes(String request) {
        return request.contains(path) && !counted(before) && counted(times);
    }

    private static boolean counted(AtomicInteger count) {
        return count.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
    }
}
