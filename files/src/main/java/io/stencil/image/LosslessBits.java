package io.stencil.image;

/// Reads the bits of a lossless WebP image (`VP8L`, RFC 9649): the lowest bit of a byte first.
final class LosslessBits {

    private final byte[] bytes;
    private long window;
    private int held;
    private int next;

    /// Reads `bytes` from index `from` on.
    LosslessBits(byte[] bytes, int from) {
        this.bytes = bytes;
        this.next = from;
    }

    /// The next `count` bits (0 to 32) as a number, the first bit lowest.
    ///
    /// @throws PictureFault when the data ends before
    int read(int count) throws PictureFault {
        int value = (int) (peek(count) & ((1L << count) - 1));
        skip(count);
        return value;
    }

    boolean readBit() throws PictureFault {
        return read(1) == 1;
    }

    /// The bits ahead, at least `count` (0 to 32) of them; zeros stand behind the end of the data.
    long peek(int count) {
        while (held < count && next < bytes.length) {
            window |= (bytes[next++] & 0xFFL) << held;
            held += Byte.SIZE;
        }
        return window;
    }

    /// Consumes `count` bits that [#peek] showed.
    ///
    /// @throws PictureFault when some of them stand behind the end of the data
    void skip(int count) throws PictureFault {
        if (count > held) {
            throw PictureFault.cutShort("its compressed pixels");
        }
        window >>>= count;
        held -= count;
    }
}
