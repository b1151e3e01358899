package io.stencil.gguf;

/// Decodes single blocks, for [BlockType]; `at` is where the block begins, `to` where its values do.
///
/// The layouts are those of llama.cpp's `ggml-common.h`, and each value is computed in the same order of float32
/// operations as in its `dequantize_row_*`, so that it is the same to the last bit.
final class BlockDecoder {

    private static final byte[] IQ4_VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private BlockDecoder() {}

    /// Scale, then 16 bytes: the low halves are the first 16 values, the high halves the others.
    static void q4Zero(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        for (int j = 0; j < 16; j++) {
            int q = b[at + 2 + j];
            y[to + j] = ((q & 15) - 8) * d;
            y[to + 16 + j] = ((q >> 4 & 15) - 8) * d;
        }
    }

    /// Scale and minimum, then as [#q4Zero].
    static void q4One(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        float m = half(b, at + 2);
        for (int j = 0; j < 16; j++) {
            int q = b[at + 4 + j];
            y[to + j] = (q & 15) * d + m;
            y[to + 16 + j] = (q >> 4 & 15) * d + m;
        }
    }

    /// Scale, the fifth bits of all values, then as [#q4Zero].
    static void q5Zero(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        int high = word(b, at + 2);
        for (int j = 0; j < 16; j++) {
            int q = b[at + 6 + j];
            y[to + j] = (((q & 15) | (high >> j & 1) << 4) - 16) * d;
            y[to + 16 + j] = (((q >> 4 & 15) | (high >> (j + 16) & 1) << 4) - 16) * d;
        }
    }

    /// Scale, minimum, the fifth bits of all values, then as [#q4Zero].
    static void q5One(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        float m = half(b, at + 2);
        int high = word(b, at + 4);
        for (int j = 0; j < 16; j++) {
            int q = b[at + 8 + j];
            y[to + j] = ((q & 15) | (high >> j & 1) << 4) * d + m;
            y[to + 16 + j] = ((q >> 4 & 15) | (high >> (j + 16) & 1) << 4) * d + m;
        }
    }

    /// Scale, then signed bytes.
    static void q8Zero(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        for (int j = 0; j < 32; j++) {
            y[to + j] = b[at + 2 + j] * d;
        }
    }

    /// 16 bytes of 4-bit scales and minima, 64 bytes of 2-bit values, the scale of the scales, that of the minima.
    static void q2K(byte[] b, int at, float[] y, int to) {
        float d = half(b, at + 80);
        float min = half(b, at + 82);
        for (int part = 0; part < 16; part++) {
            int scales = b[at + part];
            float scale = d * (scales & 15);
            float offset = min * (scales >> 4 & 15);
            int from = at + 16 + (part >> 3) * 32 + (part & 1) * 16;
            int shift = (part >> 1 & 3) * 2;
            for (int j = 0; j < 16; j++) {
                y[to + part * 16 + j] = scale * (b[from + j] >> shift & 3) - offset;
            }
        }
    }

    /// 32 bytes of third bits, 64 bytes of 2-bit values, 12 bytes of 6-bit scales, the scale of the scales.
    static void q3K(byte[] b, int at, float[] y, int to) {
        float d = half(b, at + 108);
        int scales = at + 96;
        for (int part = 0; part < 16; part++) {
            int low = part < 8 ? b[scales + part] & 15 : b[scales + part - 8] >> 4 & 15;
            int high = b[scales + 8 + (part & 3)] >> ((part >> 2) * 2) & 3;
            float scale = d * ((low | high << 4) - 32);
            int from = at + 32 + (part >> 3) * 32 + (part & 1) * 16;
            int third = at + (part & 1) * 16;
            int shift = (part >> 1 & 3) * 2;
            int bit = part >> 1;
            for (int j = 0; j < 16; j++) {
                y[to + part * 16 + j] = scale * ((b[from + j] >> shift & 3) - 4 + (b[third + j] >> bit & 1) * 4);
            }
        }
    }

    /// Scale of the scales, that of the minima, 12 bytes of 6-bit scales and minima, 128 bytes of 4-bit values.
    static void q4K(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        float min = half(b, at + 2);
        for (int part = 0; part < 8; part++) {
            float scale = d * scaleOf(b, at + 4, part);
            float offset = min * minimumOf(b, at + 4, part);
            int from = at + 16 + (part >> 1) * 32;
            int shift = (part & 1) * 4;
            for (int j = 0; j < 32; j++) {
                y[to + part * 32 + j] = scale * (b[from + j] >> shift & 15) - offset;
            }
        }
    }

    /// As [#q4K], with 32 bytes of fifth bits before the values.
    static void q5K(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        float min = half(b, at + 2);
        for (int part = 0; part < 8; part++) {
            float scale = d * scaleOf(b, at + 4, part);
            float offset = min * minimumOf(b, at + 4, part);
            int from = at + 48 + (part >> 1) * 32;
            int shift = (part & 1) * 4;
            for (int j = 0; j < 32; j++) {
                int q = (b[from + j] >> shift & 15) + (b[at + 16 + j] >> part & 1) * 16;
                y[to + part * 32 + j] = scale * q - offset;
            }
        }
    }

    /// 128 bytes of low 4 bits, 64 bytes of high 2 bits, 16 signed scales, the scale of the scales.
    static void q6K(byte[] b, int at, float[] y, int to) {
        float d = half(b, at + 208);
        for (int part = 0; part < 16; part++) {
            float scale = d * b[at + 192 + part];
            int half = part >> 3;
            int low = at + half * 64 + (part & 3) * 16;
            int lowShift = (part >> 2 & 1) * 4;
            int high = at + 128 + half * 32 + (part & 1) * 16;
            int highShift = (part >> 1 & 3) * 2;
            for (int j = 0; j < 16; j++) {
                int q = (b[low + j] >> lowShift & 15) | (b[high + j] >> highShift & 3) << 4;
                y[to + part * 16 + j] = scale * (q - 32);
            }
        }
    }

    /// Scale, then 16 bytes as in [#q4Zero], each half an index of [#IQ4_VALUES].
    static void iq4Nl(byte[] b, int at, float[] y, int to) {
        iq4(b, at + 2, half(b, at), y, to);
    }

    /// Scale of the scales, 16 bits and 4 bytes of 6-bit scales, 8 parts as in [#iq4Nl].
    static void iq4Xs(byte[] b, int at, float[] y, int to) {
        float d = half(b, at);
        int high = (b[at + 2] & 255) | (b[at + 3] & 255) << 8;
        for (int part = 0; part < 8; part++) {
            int low = b[at + 4 + (part >> 1)] >> ((part & 1) * 4) & 15;
            iq4(b, at + 8 + part * 16, d * ((low | (high >> (part * 2) & 3) << 4) - 32), y, to + part * 32);
        }
    }

    private static void iq4(byte[] b, int at, float scale, float[] y, int to) {
        for (int j = 0; j < 16; j++) {
            int q = b[at + j];
            y[to + j] = scale * IQ4_VALUES[q & 15];
            y[to + 16 + j] = scale * IQ4_VALUES[q >> 4 & 15];
        }
    }

    private static int scaleOf(byte[] b, int at, int part) {
        return part < 4 ? b[at + part] & 63 : (b[at + part + 4] & 15) | (b[at + part - 4] >> 6 & 3) << 4;
    }

    private static int minimumOf(byte[] b, int at, int part) {
        return part < 4 ? b[at + part + 4] & 63 : (b[at + part + 4] >> 4 & 15) | (b[at + part] >> 6 & 3) << 4;
    }

    private static float half(byte[] b, int at) {
        return Float.float16ToFloat((short) ((b[at] & 255) | b[at + 1] << 8));
    }

    private static int word(byte[] b, int at) {
        return (b[at] & 255) | (b[at + 1] & 255) << 8 | (b[at + 2] & 255) << 16 | b[at + 3] << 24;
    }
}
