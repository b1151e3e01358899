package io.stencil.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;

/// Writes a lossless WebP file bit by bit, the lowest bit of a byte first.
final class LosslessBytes {

    private final BitSet bits = new BitSet();
    private int count;

    /// Signature, size, no alpha, version 0.
    LosslessBytes header(int width, int height) {
        return bits(0x2F, Byte.SIZE).bits(width - 1, 14).bits(height - 1, 14).bits(0, 4);
    }

    /// Appends the lowest `length` bits of `value`.
    LosslessBytes bits(int value, int length) {
        for (int i = 0; i < length; i++) {
            bits.set(count++, (value >> i & 1) == 1);
        }
        return this;
    }

    /// Appends a prefix code of one symbol, sent in eight bits.
    LosslessBytes symbol(int symbol) {
        return bits(1, 1).bits(0, 1).bits(1, 1).bits(symbol, Byte.SIZE);
    }

    LosslessBytes copy() {
        LosslessBytes copy = new LosslessBytes();
        copy.bits.or(bits);
        copy.count = count;
        return copy;
    }

    byte[] file() {
        int length = Math.ceilDiv(count, Byte.SIZE);
        int padded = length + (length & 1);
        ByteBuffer file = ByteBuffer.allocate(20 + padded).order(ByteOrder.LITTLE_ENDIAN);
        file.put("RIFF".getBytes(StandardCharsets.ISO_8859_1)).putInt(12 + padded);
        file.put("WEBPVP8L".getBytes(StandardCharsets.ISO_8859_1)).putInt(length);
        file.put(bits.toByteArray());
        return file.array();
    }
}
