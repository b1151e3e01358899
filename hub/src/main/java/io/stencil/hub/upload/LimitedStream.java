package io.stencil.hub.upload;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/// The next bytes of a stream, and no more.
final class LimitedStream extends FilterInputStream {

    private long left;

    LimitedStream(InputStream in, long bytes) {
        super(in);
        this.left = bytes;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (left == 0) {
            return -1;
        }
        int read = super.read(bytes, offset, (int) Math.min(length, left));
        left -= Math.max(0, read);
        return read;
    }
}
