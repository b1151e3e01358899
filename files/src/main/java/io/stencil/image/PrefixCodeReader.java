package io.stencil.image;

import java.util.Arrays;

/// Reads the prefix codes of a lossless WebP image, whose code lengths are sent in a code of their own (RFC 9649,
/// section 3.7.2.1).
final class PrefixCodeReader {

    /// The order in which the lengths of the code of code lengths are sent.
    private static final int[] LENGTH_ORDER = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

    private static final int REPEAT_PREVIOUS = 16;
    private static final int ZEROS = 17;
    private static final int FIRST_PREVIOUS = 8;

    private final LosslessBits bits;

    PrefixCodeReader(LosslessBits bits) {
        this.bits = bits;
    }

    /// The next code.
    ///
    /// @param symbols of its alphabet
    PrefixCode read(int symbols) throws PictureFault {
        int[] lengths = new int[symbols];
        if (bits.readBit()) {
            boolean two = bits.readBit();
            mark(lengths, bits.read(bits.readBit() ? Byte.SIZE : 1));
            if (two) {
                mark(lengths, bits.read(Byte.SIZE));
            }
        } else {
            readLengths(lengths, codeOfLengths());
        }
        return PrefixCode.of(lengths);
    }

    /// A symbol is sent in eight bits, of which distances use less.
    private static void mark(int[] lengths, int symbol) throws PictureFault {
        if (symbol >= lengths.length) {
            throw new PictureFault(
                    "is damaged: a prefix code of its pixels has symbol %s, expected less than %s; copy it again"
                            .formatted(symbol, lengths.length));
        }
        lengths[symbol] = 1;
    }

    private PrefixCode codeOfLengths() throws PictureFault {
        int[] lengths = new int[LENGTH_ORDER.length];
        int sent = 4 + bits.read(4);
        for (int i = 0; i < sent; i++) {
            lengths[LENGTH_ORDER[i]] = bits.read(3);
        }
        return PrefixCode.of(lengths);
    }

    private void readLengths(int[] lengths, PrefixCode code) throws PictureFault {
        int left = lengths.length;
        if (bits.readBit()) {
            left = 2 + bits.read(2 + 2 * bits.read(3));
            require(left <= lengths.length);
        }
        int previous = FIRST_PREVIOUS;
        for (int symbol = 0; symbol < lengths.length && left > 0; left--) {
            int sent = code.read(bits);
            if (sent < REPEAT_PREVIOUS) {
                lengths[symbol++] = sent;
                previous = sent == 0 ? previous : sent;
                continue;
            }
            int repeats = switch (sent) {
                case REPEAT_PREVIOUS -> 3 + bits.read(2);
                case ZEROS -> 3 + bits.read(3);
                default -> 11 + bits.read(7);
            };
            require(symbol + repeats <= lengths.length);
            Arrays.fill(lengths, symbol, symbol + repeats, sent == REPEAT_PREVIOUS ? previous : 0);
            symbol += repeats;
        }
    }

    private static void require(boolean fits) throws PictureFault {
        if (!fits) {
            throw new PictureFault("is damaged: a prefix code of its pixels has too many lengths; copy it again");
        }
    }
}
