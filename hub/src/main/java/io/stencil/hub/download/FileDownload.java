package io.stencil.hub.download;

import io.stencil.error.HubException;
import io.stencil.files.Sha256;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.HubRequest;
import io.stencil.hub.http.HubResponse;
import io.stencil.hub.http.HubResponse.UnexpectedBody;
import io.stencil.hub.provider.Listing.Checksum;
import io.stencil.hub.provider.Listing.RemoteFile;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Downloads one file in ranges, or as a whole where the server knows no ranges: resumes a partial file, verifies it,
/// and moves it into place.
final class FileDownload {

    /// A partial file may hold what another run left; the second attempt starts from nothing.
    private static final int ATTEMPTS = 2;

    private static final int BUFFER = 1 << 16;
    private static final int PARTIAL_CONTENT = 206;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    /// Kind of response to the request for a range.
    private enum Served {
        RANGE,
        WHOLE_FILE,
        /// Part of an encoded body, which cannot be decoded.
        ENCODED_RANGE
    }

    private final HubHttp http;
    private final RemoteFile file;
    private final HubRequest request;
    private final Pool pool;
    private final Fetcher.Progress progress;
    private final boolean isResumable;
    /// Target of the hub's redirect, so that not every range requests it again; such addresses expire.
    private volatile @Nullable URI storage;
    private volatile String contentType = "";

    /// @param request for the whole file
    /// @param isResumable whether part of a range is kept when the rest comes with another response: the content is
    ///     identified by its hash or commit
    FileDownload(
            HubHttp http,
            RemoteFile file,
            HubRequest request,
            Pool pool,
            Fetcher.Progress progress,
            boolean isResumable) {
        this.http = http;
        this.file = file;
        this.request = request;
        this.pool = pool;
        this.progress = progress;
        this.isResumable = isResumable;
    }

    /// @param partial collects the content
    /// @param target receives the verified file
    /// @throws HubException when the hub does not serve the file that it lists
    void run(Path partial, Path target, long chunkBytes) throws IOException {
        for (int attempt = 1; ; attempt++) {
            downloadRanges(partial, chunkBytes);
            String digest = file.checksum().digest(partial);
            boolean isWhole = Files.size(partial) == file.size();
            UnexpectedBody content;
            try (InputStream in = Files.newInputStream(partial)) {
                content = UnexpectedBody.read(in, contentType);
            }
            boolean isForeign = isForeign(content);
            boolean isProven = !(file.checksum() instanceof Checksum.None);
            if (isWhole && file.checksum().accepts(digest) && (isProven || !isForeign)) {
                Files.createDirectories(target.toAbsolutePath().getParent());
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                PartialFile.deleteMap(partial);
                return;
            }
            Files.deleteIfExists(partial);
            PartialFile.deleteMap(partial);
            progress.bytes(-file.size());
            if (isForeign) {
                throw unexpected(content);
            }
            if (attempt == ATTEMPTS) {
                throw request.subject()
                        .fault("what came is not what the hub lists: expected %s, found %s%s; nothing was kept"
                                .formatted(
                                        http.sanitize(file.checksum().text()),
                                        digest,
                                        isWhole ? "" : " and other than %s bytes".formatted(file.size())));
            }
        }
    }

    private void downloadRanges(Path partial, long chunkBytes) throws IOException {
        storage = null;
        contentType = "";
        try (PartialFile target = PartialFile.open(partial, file.size(), chunkBytes)) {
            List<PartialFile.Range> missing = target.missing();
            progress.bytes(target.received());
            if (!missing.isEmpty()) {
                // The first range shows whether the server knows ranges at all.
                boolean hasRanges = pool.connected(() -> readFirst(target, missing.getFirst()));
                if (hasRanges) {
                    pool.runAll(missing.stream()
                            .skip(1)
                            .<Runnable>map(range -> () -> pool.connected(() -> readNext(target, range)))
                            .toList());
                }
            }
            target.force();
        }
    }

    /// @return false when the server knows no ranges and the whole file was downloaded instead
    private boolean readFirst(PartialFile target, PartialFile.Range range) {
        return switch (read(target, range, true)) {
            case RANGE -> true;
            case WHOLE_FILE -> false;
            case ENCODED_RANGE -> {
                http.send(request, response -> {
                    if (response.status() == PARTIAL_CONTENT) {
                        throw encodedRange(response.contentCoding());
                    }
                    copyWhole(target, response);
                    return response.status();
                });
                yield false;
            }
        };
    }

    private boolean readNext(PartialFile target, PartialFile.Range range) {
        if (read(target, range, false) != Served.RANGE) {
            throw request.subject().fault("the hub gives ranges at one time and whole files at another");
        }
        return true;
    }

    private Served read(PartialFile target, PartialFile.Range range, boolean isFirst) {
        RangeRequest rangeRequest = new RangeRequest(target, range, isFirst);
        URI known = storage;
        if (known != null) {
            try {
                rangeRequest.source = request.to(known);
                return rangeRequest.send();
            } catch (HubException e) {
                storage = null; // an expired signed address: the hub makes a new one
                rangeRequest.source = request;
            }
        }
        return rangeRequest.send();
    }

    /// Keeps the received part of a range; the next attempt requests the rest.
    private final class RangeRequest {

        private final PartialFile target;
        private final PartialFile.Range range;
        private final boolean isFirst;
        private HubRequest source = request;
        private long position;

        RangeRequest(PartialFile target, PartialFile.Range range, boolean isFirst) {
            this.target = target;
            this.range = range;
            this.isFirst = isFirst;
            this.position = range.begin();
        }

        Served send() {
            return http.send(this::request, this::read, () -> position);
        }

        private HubRequest request() {
            return source.with("Range", "bytes=%s-%s".formatted(position, range.end() - 1));
        }

        private Served read(HubResponse response) throws IOException {
            contentType = response.header("Content-Type");
            if (response.status() != PARTIAL_CONTENT) {
                if (isFirst) {
                    copyWhole(target, response);
                } else {
                    requireFile(response, response.probe());
                }
                return Served.WHOLE_FILE;
            }
            if (!response.contentCoding().isEmpty()) {
                if (isFirst) {
                    return Served.ENCODED_RANGE;
                }
                throw encodedRange(response.contentCoding());
            }
            requireRange(response, position, range.end());
            copy(response.body());
            if (!response.uri().equals(request.uri())) {
                storage = response.uri();
            }
            return Served.RANGE;
        }

        private void copy(InputStream body) throws IOException {
            try {
                byte[] buffer = new byte[BUFFER];
                while (position < range.end()) {
                    int read = body.read(buffer);
                    if (read < 0) {
                        throw new EOFException("%s of %s bytes came".formatted(position - range.begin(), range.size()));
                    }
                    requireNoMore(read <= range.end() - position);
                    target.write(ByteBuffer.wrap(buffer, 0, read), position);
                    position += read;
                    target.recordReceived(range, position);
                    progress.bytes(read);
                }
                requireNoMore(isAtEnd(body));
            } finally {
                if (!isResumable && position < range.end()) {
                    progress.bytes(range.begin() - position);
                    position = range.begin();
                    target.recordReceived(range, position);
                }
            }
        }
    }

    /// Overwrites all ranges with a whole file, once its beginning has been recognised as the file's.
    private void copyWhole(PartialFile target, HubResponse response) throws IOException {
        contentType = response.header("Content-Type");
        UnexpectedBody beginning = response.probe();
        requireFile(response, beginning);
        progress.bytes(-target.received());
        target.restart();
        InputStream body = new SequenceInputStream(new ByteArrayInputStream(beginning.head()), response.body());
        byte[] buffer = new byte[BUFFER];
        long position = 0;
        boolean isComplete = false;
        try {
            for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                requireNoMore(position + read <= file.size());
                target.write(ByteBuffer.wrap(buffer, 0, read), position);
                position += read;
                progress.bytes(read);
            }
            if (position < file.size() && !response.contentCoding().isEmpty()) {
                // Encoded data marks its own end, so that the connection did not break.
                throw request.subject()
                        .fault("has %s bytes in Content-Encoding '%s', the hub's listing says %s"
                                .formatted(position, http.sanitize(response.contentCoding()), file.size()));
            }
            if (position < file.size()) {
                throw new EOFException("%s of %s bytes came".formatted(position, file.size()));
            }
            isComplete = true;
        } finally {
            if (!isComplete) {
                progress.bytes(-position);
            }
        }
    }

    /// @param coding empty for a range that was not requested
    private HubException encodedRange(String coding) {
        return request.subject()
                .fault("the hub gives a range of the file with Content-Encoding '%s', which cannot be decoded alone"
                        .formatted(coding.isEmpty() ? "identity" : http.sanitize(coding)));
    }

    private void requireNoMore(boolean isEnough) {
        if (!isEnough) {
            throw request.subject()
                    .fault("the hub gives more than the %s bytes that its listing says".formatted(file.size()));
        }
    }

    /// Returns whether nothing follows the requested range. A connection that breaks there took nothing away.
    private static boolean isAtEnd(InputStream body) {
        try {
            return body.read() < 0;
        } catch (IOException e) {
            return true;
        }
    }

    private void requireRange(HubResponse response, long begin, long end) throws IOException {
        String text = response.header("Content-Range");
        Matcher found = CONTENT_RANGE.matcher(text);
        if (found.matches() && !found.group(3).equals("*") && !found.group(3).equals(Long.toString(file.size()))) {
            UnexpectedBody body = response.probe();
            if (isForeign(body)) {
                throw unexpected(body);
            }
            throw request.subject()
                    .fault("has %s bytes, the hub's listing says %s".formatted(found.group(3), file.size()));
        }
        boolean isRequested =
                found.matches() && Long.parseLong(found.group(1)) == begin && Long.parseLong(found.group(2)) == end - 1;
        if (!isRequested) {
            throw request.subject()
                    .fault("the hub gives the range '%s', expected bytes %s-%s"
                            .formatted(http.sanitize(text), begin, end - 1));
        }
    }

    /// Refuses a response that cannot be the file: its announced length differs, or its beginning is something else.
    /// A broken connection is retried.
    private void requireFile(HubResponse response, UnexpectedBody body) {
        boolean isEncoded = !response.contentCoding().isEmpty();
        long announced = isEncoded
                ? -1
                : response.headers().firstValueAsLong("Content-Length").orElse(-1);
        boolean hasOtherLength = announced >= 0
                ? announced != file.size()
                : body.isComplete() && body.length() != file.size() && (isEncoded || hasEnd(response, body));
        if (hasOtherLength || isForeign(body)) {
            throw unexpected(body);
        }
    }

    /// Returns whether a body without a length ended on purpose, rather than with its connection.
    private static boolean hasEnd(HubResponse response, UnexpectedBody body) {
        return !response.header("Transfer-Encoding").isEmpty() || body.kind() != UnexpectedBody.Kind.OTHER;
    }

    /// Returns whether a body cannot be the file by its first bytes alone.
    private boolean isForeign(UnexpectedBody body) {
        return switch (body.kind()) {
            case HTML -> !FileNames.isText(file.path());
            case LFS_POINTER -> !FileNames.isText(file.path()) && body.length() != file.size();
            case EMPTY -> file.size() > 0;
            case JSON, OTHER -> false;
        };
    }

    private HubException unexpected(UnexpectedBody body) {
        String found = body.isComplete() ? "; found sha256:" + Sha256.of(body.head()) : "";
        String expected = file.checksum() instanceof Checksum.None
                ? ""
                : " with " + http.sanitize(file.checksum().text());
        return request.subject()
                .fault("%s came in place of the file, of which the hub lists %s bytes%s%s; %s"
                        .formatted(http.describe(body), file.size(), expected, found, http.remedy(body)));
    }

    /// Threads of one fetch, with a limit on open connections. The first failure stops them all.
    static final class Pool implements AutoCloseable {

        private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        private final Semaphore connections;
        private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

        Pool(int connections) {
            this.connections = new Semaphore(connections);
        }

        /// Runs one request on this thread when a connection is free.
        boolean connected(Supplier<Boolean> request) {
            try {
                connections.acquire();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StoppedException(e);
            }
            try {
                return request.get();
            } finally {
                connections.release();
            }
        }

        /// Runs tasks in parallel and waits for them.
        ///
        /// @throws RuntimeException the first failure of any task of this pool, after which the rest is interrupted
        void runAll(List<Runnable> tasks) {
            List<Future<?>> running = new ArrayList<>();
            try {
                tasks.forEach(task -> running.add(threads.submit(() -> run(task))));
                for (Future<?> future : running) {
                    future.get();
                }
            } catch (ExecutionException | RejectedExecutionException e) {
                RuntimeException first = failure.get();
                throw first == null ? new IllegalStateException(e) : first;
            } catch (InterruptedException e) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new StoppedException(e);
            }
        }

        /// Records the first failure: later ones come from tasks that it stopped.
        private void run(Runnable task) {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e instanceof RuntimeException known ? known : new IllegalStateException(e));
                threads.shutdownNow();
                throw e;
            }
        }

        @Override
        public void close() {
            threads.shutdownNow();
            threads.close();
        }
    }

    /// Stop of a task after the failure of another, or an interrupt.
    static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        StoppedException(Throwable cause) {
            super("stopped", cause);
        }
    }
}
