package io.stencil.hub.fetch;

import io.stencil.error.HubException;
import io.stencil.hub.http.HubAnswer;
import io.stencil.hub.http.HubCall;
import io.stencil.hub.http.HubHttp;
import io.stencil.hub.http.Subject;
import java.io.EOFException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Brings ranges of one remote file into a partial file.
final class RangeReader {

    private static final int BUFFER = 1 << 16;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    private final HubHttp http;
    private final URI address;
    private final Subject subject;
    private final PartialFile target;
    private final long size;
    private final Progress progress;
    /// Where the hub redirected to, so that not every range asks the hub again; such addresses lose their validity.
    private volatile @Nullable URI storage;

    RangeReader(HubHttp http, URI address, Subject subject, PartialFile target, long size, Progress progress) {
        this.http = http;
        this.address = address;
        this.subject = subject;
        this.target = target;
        this.size = size;
        this.progress = progress;
    }

    /// Brings a range.
    ///
    /// @return false when the server knows no ranges and gave the whole file instead, which is then complete
    boolean read(PartialFile.Range range) {
        URI known = storage;
        if (known != null) {
            try {
                return read(known, range);
            } catch (HubException e) {
                storage = null; // a signed address that is no longer good: the hub makes a new one
            }
        }
        return read(address, range);
    }

    private boolean read(URI from, PartialFile.Range range) {
        HubCall call =
                HubCall.get(from, subject).with("Range", "bytes=%s-%s".formatted(range.begin(), range.end() - 1));
        return http.send(call, answer -> {
            if (answer.status() != 206) {
                copy(answer, new PartialFile.Range(0, 0, size));
                return false;
            }
            requireRange(answer, range);
            copy(answer, range);
            target.mark(range);
            if (!answer.uri().equals(address)) {
                storage = answer.uri();
            }
            return true;
        });
    }

    private void requireRange(HubAnswer answer, PartialFile.Range range) {
        String text = answer.headers().firstValue("Content-Range").orElse("");
        Matcher found = CONTENT_RANGE.matcher(text);
        boolean right = found.matches()
                && Long.parseLong(found.group(1)) == range.begin()
                && Long.parseLong(found.group(2)) == range.end() - 1;
        if (!right) {
            throw subject.fault("the hub gives the range '%s', asked for were bytes %s-%s"
                    .formatted(http.told(text), range.begin(), range.end() - 1));
        }
        if (!List.of("*", Long.toString(size)).contains(found.group(3))) {
            throw subject.fault("has %s bytes, the hub's listing says %s".formatted(found.group(3), size));
        }
    }

    private void copy(HubAnswer answer, PartialFile.Range range) throws IOException {
        byte[] buffer = new byte[BUFFER];
        long copied = 0;
        boolean complete = false;
        try {
            for (int read = answer.body().read(buffer);
                    read >= 0;
                    read = answer.body().read(buffer)) {
                if (copied + read > range.size()) {
                    throw subject.fault("the hub gives more than the %s bytes that its listing says".formatted(size));
                }
                target.write(ByteBuffer.wrap(buffer, 0, read), range.begin() + copied);
                copied += read;
                progress.bytes(read);
            }
            if (copied < range.size()) {
                throw new EOFException("%s of %s bytes came".formatted(copied, range.size()));
            }
            complete = true;
        } finally {
            if (!complete) {
                progress.bytes(-copied);
            }
        }
    }
}
