package io.stencil.hub.upload;

import io.stencil.hub.http.LocalFault;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Part of a file as a stream, which is opened when it is first read. A fault of the disk is told as such.
final class FileSlice extends InputStream {

    private final Path file;
    private final long end;
    private long position;
    private @Nullable FileChannel channel;

    FileSlice(Path file, long begin, long bytes) {
        this.file = file;
        this.position = begin;
        this.end = begin + bytes;
    }

    /// Part of a file as the body of a request.
    static BodyPublisher publisher(Path file, long begin, long bytes) {
        return bytes == 0
                ? BodyPublishers.noBody()
                : BodyPublishers.fromPublisher(
                        BodyPublishers.ofInputStream(() -> new FileSlice(file, begin, bytes)), bytes);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (position == end) {
            return -1;
        }
        int read;
        try {
            FileChannel open = channel == null ? FileChannel.open(file) : channel;
            channel = open;
            read = open.read(ByteBuffer.wrap(bytes, offset, (int) Math.min(length, end - position)), position);
        } catch (IOException e) {
            throw new LocalFault(file, "cannot be read", e);
        }
        if (read < 0) {
            throw new LocalFault(file, "became shorter while it was sent", null);
        }
        position += read;
        return read;
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
