package io.stencil.hub.fetch;

import io.stencil.error.HubException;
import io.stencil.hub.http.HubAnswer;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.UnexpectedBody;
import io.stencil.hub.protocol.Checksum;
import io.stencil.hub.protocol.RemoteFile;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Brings ranges of one remote file into a partial file, or the whole of it where the server knows no ranges.
final class RangeReader {

    private static final int BUFFER = 1 << 16;
    private static final int PART = 206;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    /// How an answer to a request for a range served it.
    private enum Served {
        RANGE,
        WHOLE_FILE,
        /// Part of an encoded body, which cannot be decoded.
        ENCODED_RANGE
    }

    private final HubHttp http;
    private final HubCall call;
    private final RemoteFile file;
    private final PartialFile target;
    private final Progress progress;
    private final boolean continues;
    /// Where the hub redirected to, so that not every range asks the hub again; such addresses lose their validity.
    private volatile @Nullable URI storage;
    private volatile String contentType = "";

    /// @param call for the whole file
    /// @param continues whether part of a range may be kept when the rest comes with another answer: the content is
    ///     known by its hash, or its commit
    RangeReader(HubHttp http, HubCall call, RemoteFile file, PartialFile target, Progress progress, boolean continues) {
        this.http = http;
        this.call = call;
        this.file = file;
        this.target = target;
        this.progress = progress;
        this.continues = continues;
    }

    /// The content type of the last answer; may be empty.
    String contentType() {
        return contentType;
    }

    /// Brings a range, from which it is seen whether the server knows ranges at all.
    ///
    /// @return false when it does not and the whole file was brought instead
    boolean readFirst(PartialFile.Range range) {
        return switch (read(range, true)) {
            case RANGE -> true;
            case WHOLE_FILE -> false;
            case ENCODED_RANGE -> {
                http.send(call, answer -> {
                    if (answer.status() == PART) {
                        throw encodedRange(answer.contentCoding());
                    }
                    copyWhole(answer);
                    return answer.status();
                });
                yield false;
            }
        };
    }

    /// Brings another range, of a server that knows them.
    void readNext(PartialFile.Range range) {
        if (read(range, false) != Served.RANGE) {
            throw call.subject().fault("the hub gives ranges at one time and whole files at another");
        }
    }

    private Served read(PartialFile.Range range, boolean isFirst) {
        Piece piece = new Piece(range, isFirst);
        URI known = storage;
        if (known != null) {
            try {
                piece.from = call.to(known);
                return http.send(piece);
            } catch (HubException e) {
                storage = null; // a signed address that is no longer good: the hub makes a new one
                piece.from = call;
            }
        }
        return http.send(piece);
    }

    /// A range on its way: what came of it is kept, and the next attempt requests what is behind.
    private final class Piece implements HubHttp.ContinuedCall<Served> {

        private final PartialFile.Range range;
        private final boolean isFirst;
        private HubCall from = call;
        private long position;

        Piece(PartialFile.Range range, boolean isFirst) {
            this.range = range;
            this.isFirst = isFirst;
            this.position = range.begin();
        }

        @Override
        public HubCall call() {
            return from.with("Range", "bytes=%s-%s".formatted(position, range.end() - 1));
        }

        @Override
        public long received() {
            return position;
        }

        @Override
        public Served read(HubAnswer answer) throws IOException {
            contentType = answer.header("Content-Type");
            if (answer.status() != PART) {
                if (isFirst) {
                    copyWhole(answer);
                } else {
                    requireFile(answer, probe(answer));
                }
                return Served.WHOLE_FILE;
            }
            if (!answer.contentCoding().isEmpty()) {
                if (isFirst) {
                    return Served.ENCODED_RANGE;
                }
                throw encodedRange(answer.contentCoding());
            }
            requireRange(answer, position, range.end());
            copy(answer.body());
            if (!answer.uri().equals(call.uri())) {
                storage = answer.uri();
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
                    target.reached(range, position);
                    progress.bytes(read);
                }
                requireNoMore(isAtEnd(body));
            } finally {
                if (!continues && position < range.end()) {
                    progress.bytes(range.begin() - position);
                    position = range.begin();
                    target.reached(range, position);
                }
            }
        }
    }

    /// @param coding may be empty, for a range that nobody requested
    private HubException encodedRange(String coding) {
        return call.subject()
                .fault("the hub gives a range of the file with Content-Encoding '%s', which cannot be decoded alone"
                        .formatted(coding.isEmpty() ? "identity" : http.told(coding)));
    }

    private void requireNoMore(boolean isEnough) {
        if (!isEnough) {
            throw call.subject()
                    .fault("the hub gives more than the %s bytes that its listing says".formatted(file.size()));
        }
    }

    /// Whether nothing is behind what was requested. A connection that breaks there took nothing away.
    private static boolean isAtEnd(InputStream body) {
        try {
            return body.read() < 0;
        } catch (IOException e) {
            return true;
        }
    }

    private void requireRange(HubAnswer answer, long begin, long end) throws IOException {
        String text = answer.header("Content-Range");
        Matcher found = CONTENT_RANGE.matcher(text);
        if (found.matches() && !found.group(3).equals("*") && !found.group(3).equals(Long.toString(file.size()))) {
            UnexpectedBody body = probe(answer);
            if (isForeign(body)) {
                throw unexpected(body);
            }
            throw call.subject()
                    .fault("has %s bytes, the hub's listing says %s".formatted(found.group(3), file.size()));
        }
        boolean right =
                found.matches() && Long.parseLong(found.group(1)) == begin && Long.parseLong(found.group(2)) == end - 1;
        if (!right) {
            throw call.subject()
                    .fault("the hub gives the range '%s', expected bytes %s-%s"
                            .formatted(http.told(text), begin, end - 1));
        }
    }

    /// Copies all of an answer, after its begin has shown that it is the file. What came before in ranges is forgotten,
    /// as an answer without ranges overwrites it.
    private void copyWhole(HubAnswer answer) throws IOException {
        contentType = answer.header("Content-Type");
        UnexpectedBody begin = probe(answer);
        requireFile(answer, begin);
        progress.bytes(-target.received());
        target.restart();
        InputStream body = new SequenceInputStream(new ByteArrayInputStream(begin.head()), answer.body());
        byte[] buffer = new byte[BUFFER];
        long position = 0;
        boolean complete = false;
        try {
            for (int read = body.read(buffer); read >= 0; read = body.read(buffer)) {
                requireNoMore(position + read <= file.size());
                target.write(ByteBuffer.wrap(buffer, 0, read), position);
                position += read;
                progress.bytes(read);
            }
            if (position < file.size() && !answer.contentCoding().isEmpty()) {
                // Such data has an end of its own.
                throw call.subject()
                        .fault("has %s bytes in Content-Encoding '%s', the hub's listing says %s"
                                .formatted(position, http.told(answer.contentCoding()), file.size()));
            }
            if (position < file.size()) {
                throw new EOFException("%s of %s bytes came".formatted(position, file.size()));
            }
            complete = true;
        } finally {
            if (!complete) {
                progress.bytes(-position);
            }
        }
    }

    private static UnexpectedBody probe(HubAnswer answer) throws IOException {
        byte[] head = answer.body().readNBytes(UnexpectedBody.PROBE);
        return new UnexpectedBody(answer.header("Content-Type"), head, head.length < UnexpectedBody.PROBE);
    }

    /// Refuses an answer that cannot be the file: the server says itself that it has another length, or its begin is
    /// something else. What merely broke off is requested again.
    private void requireFile(HubAnswer answer, UnexpectedBody body) {
        boolean isEncoded = !answer.contentCoding().isEmpty();
        long announced = isEncoded
                ? -1
                : answer.headers().firstValueAsLong("Content-Length").orElse(-1);
        boolean hasOtherLength = announced >= 0
                ? announced != file.size()
                : body.isComplete() && body.length() != file.size() && (isEncoded || hasEnd(answer, body));
        if (hasOtherLength || isForeign(body)) {
            throw unexpected(body);
        }
    }

    /// Whether the end of a body without a length is meant, and not the end of a connection.
    private static boolean hasEnd(HubAnswer answer, UnexpectedBody body) {
        return !answer.header("Transfer-Encoding").isEmpty() || body.kind() != UnexpectedBody.Kind.OTHER;
    }

    /// Whether a body cannot be the file by its first bytes alone.
    boolean isForeign(UnexpectedBody body) {
        return switch (body.kind()) {
            case HTML -> !FileKinds.isText(file.path());
            case LFS_POINTER -> !FileKinds.isText(file.path()) && body.length() != file.size();
            case EMPTY -> file.size() > 0;
            case JSON, OTHER -> false;
        };
    }

    /// @param body whose length or content is not the file's
    HubException unexpected(UnexpectedBody body) {
        String found = body.isComplete()
                ? "; found sha256:"
                        + HexFormat.of()
                                .formatHex(new Checksum.Sha256("").digest(0).digest(body.head()))
                : "";
        String expected = file.checksum() instanceof Checksum.None
                ? ""
                : " with " + http.told(file.checksum().text());
        return call.subject()
                .fault("%s came in place of the file, of which the hub lists %s bytes%s%s; %s"
                        .formatted(http.describe(body), file.size(), expected, found, http.remedy(body)));
    }
}
