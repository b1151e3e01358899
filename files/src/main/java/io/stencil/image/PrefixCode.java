package io.stencil.image;

import java.util.Arrays;

/// A canonical prefix code of a lossless WebP image: symbols by the lengths of their codes (RFC 9649, section 3.7.2).
final class PrefixCode {

    static final int MAX_LENGTH = 15;

    /// Codes up to this length are found by one look-up.
    private static final int FAST_LENGTH = 8;

    private static final int LENGTH_BITS = 4;

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

    /// @param lengths of the code of each symbol, 0 for symbols that do not occur; a single symbol takes no bits
    /// @throws PictureFault when no set of codes has these lengths
    static PrefixCode of(int[] lengths) throws PictureFault {
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
                throw new PictureFault("is damaged: a prefix code of its pixels is over-subscribed; copy it again");
            }
            start[length + 1] = start[length] + count[length];
            longest = count[length] > 0 ? length : longest;
        }
        if (open != 0) {
            throw new PictureFault("is damaged: a prefix code of its pixels is incomplete; copy it again");
        }
        int[] inOrder = new int[symbols];
        for (int symbol = 0; symbol < lengths.length; symbol++) {
            if (lengths[symbol] > 0) {
                inOrder[start[lengths[symbol]]++] = symbol;
            }
        }
        return new PrefixCode(count, inOrder, longest);
    }

    /// The next symbol.
    ///
    /// @throws PictureFault when the data ends in its code
    int read(LosslessBits bits) throws PictureFault {
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
}
