package io.stencil.image;

import java.util.Arrays;

/// Decodes symbols in a canonical prefix code of a lossless WebP image (RFC 9649, section 3.7.2).
final class PrefixCode {

    private static final int MAX_LENGTH = 15;

    /// Codes up to this length are found by one look-up.
    private static final int FAST_LENGTH = 8;

    private static final int LENGTH_BITS = 4;

    /// The order in which the lengths of the code of code lengths are sent.
    private static final int[] LENGTH_ORDER = {17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

    private static final int REPEAT_PREVIOUS = 16;
    private static final int ZEROS = 17;
    private static final int FIRST_PREVIOUS = 8;

    /// At the bits ahead, symbol and length of a short code; 0 where the code is longer.
    private final int[] fast;

    private final int fastBits;
    private final int[] countOfLength;
    private final int[] symbolsInOrder;

    private PrefixCode(int[] countOfLength, int[] symbolsInOrder, int longest) {
        this.countOfLength = countOfLength;
        this.symbolsInOrder = symbolsInOrder;
        this.fastBits = Math.min(longest, FAST_LENGTH);
        this.fast = new int[1 << fastBits];
        fillFast();
    }

    /// Reads a code, whose code lengths are sent in a code of their own (RFC 9649, section 3.7.2.1).
    ///
    /// @param symbols number of symbols of its alphabet
    static PrefixCode read(Bits bits, int symbols) throws ImageFault {
        int[] lengths = new int[symbols];
        if (bits.readBit()) {
            boolean two = bits.readBit();
            mark(lengths, bits.read(bits.readBit() ? Byte.SIZE : 1));
            if (two) {
                mark(lengths, bits.read(Byte.SIZE));
            }
        } else {
            readLengths(bits, lengths, codeOfLengths(bits));
        }
        return of(lengths);
    }

    /// Gives a symbol the length 1. It is sent in eight bits, of which distances use less.
    private static void mark(int[] lengths, int symbol) throws ImageFault {
        if (symbol >= lengths.length) {
            throw new ImageFault(
                    "is damaged: a prefix code of its pixels has symbol %s, expected less than %s; copy it again"
                            .formatted(symbol, lengths.length));
        }
        lengths[symbol] = 1;
    }

    private static PrefixCode codeOfLengths(Bits bits) throws ImageFault {
        int[] lengths = new int[LENGTH_ORDER.length];
        int sent = 4 + bits.read(4);
        for (int i = 0; i < sent; i++) {
            lengths[LENGTH_ORDER[i]] = bits.read(3);
        }
        return of(lengths);
    }

    private static void readLengths(Bits bits, int[] lengths, PrefixCode code) throws ImageFault {
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

    private static void require(boolean fits) throws ImageFault {
        if (!fits) {
            throw new ImageFault("is damaged: a prefix code of its pixels has too many lengths; copy it again");
        }
    }

    /// @param lengths length of the code of each symbol, 0 for symbols that do not occur; a single symbol takes no bits
    /// @throws ImageFault when no set of codes has these lengths
    private static PrefixCode of(int[] lengths) throws ImageFault {
        int[] count = new int[MAX_LENGTH + 1];
        for (int length : lengths) {
            count[length]++;
        }
        int symbols = lengths.length - count[0];
        count[0] = 0;
        if (symbols == 1) {
            int only = 0;
            while (lengths[only] == 0) {
                only++;
            }
            return new PrefixCode(new int[MAX_LENGTH + 1], new int[] {only}, 0);
        }
        int open = 1;
        int longest = 0;
        int[] start = new int[MAX_LENGTH + 2];
        for (int length = 1; length <= MAX_LENGTH; length++) {
            open = (open << 1) - count[length];
            if (open < 0) {
                throw new ImageFault("is damaged: a prefix code of its pixels is over-subscribed; copy it again");
            }
            start[length + 1] = start[length] + count[length];
            longest = count[length] > 0 ? length : longest;
        }
        if (open != 0) {
            throw new ImageFault("is damaged: a prefix code of its pixels is incomplete; copy it again");
        }
        int[] inOrder = new int[symbols];
        for (int symbol = 0; symbol < lengths.length; symbol++) {
            if (lengths[symbol] > 0) {
                inOrder[start[lengths[symbol]]++] = symbol;
            }
        }
        return new PrefixCode(count, inOrder, longest);
    }

    /// Reads the next symbol.
    ///
    /// @throws ImageFault when the data ends in its code
    int read(Bits bits) throws ImageFault {
        if (fastBits == 0) {
            return symbolsInOrder[0];
        }
        long ahead = bits.peek(MAX_LENGTH);
        int entry = fast[(int) ahead & ((1 << fastBits) - 1)];
        if (entry != 0) {
            bits.skip(entry & ((1 << LENGTH_BITS) - 1));
            return entry >> LENGTH_BITS;
        }
        // Codes of one length are consecutive numbers, sent from their highest bit on.
        int code = 0;
        int first = 0;
        int index = 0;
        for (int length = 1; length <= MAX_LENGTH; length++) {
            code |= (int) (ahead >> (length - 1)) & 1;
            int count = countOfLength[length];
            if (code - count < first) {
                bits.skip(length);
                return symbolsInOrder[index + code - first];
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        throw new IllegalStateException("a complete code has no such bits: " + Arrays.toString(countOfLength));
    }

    private void fillFast() {
        int code = 0;
        int index = 0;
        for (int length = 1; length <= fastBits; length++) {
            for (int i = 0; i < countOfLength[length]; i++, code++, index++) {
                int sent = Integer.reverse(code) >>> (Integer.SIZE - length);
                for (int ahead = sent; ahead < fast.length; ahead += 1 << length) {
                    fast[ahead] = symbolsInOrder[index] << LENGTH_BITS | length;
                }
            }
            code <<= 1;
        }
    }

    /// Reads the bits of a lossless WebP image (`VP8L`, RFC 9649): the lowest bit of a byte first.
    static final class Bits {

        private final byte[] bytes;
        private long window;
        private int held;
        private int next;

        /// Reads `bytes` from index `from` on.
        Bits(byte[] bytes, int from) {
            this.bytes = bytes;
            this.next = from;
        }

        /// Reads the next `count` bits (0 to 32) as a number, the first bit lowest.
        ///
        /// @throws ImageFault when the data ends before
        int read(int count) throws ImageFault {
            int value = (int) (peek(count) & ((1L << count) - 1));
            skip(count);
            return value;
        }

        boolean readBit() throws ImageFault {
            return read(1) == 1;
        }

        /// Returns the bits ahead, at least `count` (0 to 32) of them; zeros stand behind the end of the data.
        long peek(int count) {
            while (held < count && next < bytes.length) {
                window |= (bytes[next++] & 0xFFL) << held;
                held += Byte.SIZE;
            }
            return window;
        }

        /// Consumes `count` bits that [#peek] showed.
        ///
        /// @throws ImageFault when some of them stand behind the end of the data
        void skip(int count) throws ImageFault {
            if (count > held) {
                throw ImageFault.cutShort("its compressed pixels");
            }
            window >>>= count;
            held -= count;
        }
    }
}
