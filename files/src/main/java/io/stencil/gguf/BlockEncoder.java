package io.stencil.gguf;

import io.stencil.error.InvalidRequestException;

/// Quantizes single blocks of 32 elements, for [BlockType]; `from` is where the values begin, `at` where the block
/// does.
///
/// Scales and rounding are those of llama.cpp's reference quantization, so that blocks are the same to the last bit. A
/// scale is computed in float32, used so, and stored as float16.
final class BlockEncoder {

    private static final int ELEMENTS = 32;

    private BlockEncoder() {}

    /// The scale brings the largest magnitude to 127; values are rounded to the nearest, halves away from zero.
    static void q8Zero(float[] x, int from, byte[] b, int at) {
        float largest = 0;
        for (int j = 0; j < ELEMENTS; j++) {
            largest = Math.max(largest, Math.abs(x[from + j]));
        }
        float d = largest / 127;
        float inverse = inverse(d);
        putHalf(d, b, at);
        for (int j = 0; j < ELEMENTS; j++) {
            float scaled = x[from + j] * inverse;
            b[at + 2 + j] = (byte) Math.copySign(Math.floor(Math.abs((double) scaled) + 0.5), scaled);
        }
    }

    /// The scale brings the value of the largest magnitude, the first of equals, to -8.
    static void q4Zero(float[] x, int from, byte[] b, int at) {
        float extreme = 0;
        for (int j = 0; j < ELEMENTS; j++) {
            if (Math.abs(x[from + j]) > Math.abs(extreme)) {
                extreme = x[from + j];
            }
        }
        float d = extreme / -8;
        float inverse = inverse(d);
        putHalf(d, b, at);
        for (int j = 0; j < 16; j++) {
            int low = Math.min(15, (int) (x[from + j] * inverse + 8.5f));
            int high = Math.min(15, (int) (x[from + 16 + j] * inverse + 8.5f));
            b[at + 2 + j] = (byte) (low | high << 4);
        }
    }

    /// Scale and minimum bring the smallest value to 0 and the largest to 31.
    static void q5One(float[] x, int from, byte[] b, int at) {
        float min = Float.POSITIVE_INFINITY;
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < ELEMENTS; j++) {
            min = x[from + j] < min ? x[from + j] : min; // of zeros the first, whatever its sign
            max = x[from + j] > max ? x[from + j] : max;
        }
        float d = (max - min) / 31;
        float inverse = inverse(d);
        putHalf(d, b, at);
        putHalf(min, b, at + 2);
        int fifths = 0;
        for (int j = 0; j < 16; j++) {
            int low = (int) ((x[from + j] - min) * inverse + 0.5f);
            int high = (int) ((x[from + 16 + j] - min) * inverse + 0.5f);
            b[at + 8 + j] = (byte) ((low & 15) | (high & 15) << 4);
            fifths |= (low >> 4 & 1) << j | (high >> 4 & 1) << (j + 16);
        }
        for (int i = 0; i < Integer.BYTES; i++) {
            b[at + 4 + i] = (byte) (fifths >> (i * Byte.SIZE));
        }
    }

    private static float inverse(float d) {
        return d == 0 ? 0 : 1 / d;
    }

    private static void putHalf(float value, byte[] b, int at) {
        short half = Float.floatToFloat16(value);
        if (!Float.isFinite(Float.float16ToFloat(half))) {
            throw new InvalidRequestException(
                    "values",
                    "a block cannot be quantized: its scale or minimum %s is not in float16".formatted(value));
        }
        b[at] = (byte) half;
        b[at + 1] = (byte) (half >> Byte.SIZE);
    }
}
