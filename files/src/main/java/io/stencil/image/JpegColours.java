package io.stencil.image;

/// Colour spaces of JPEG samples, and their way to RGB: the integer arithmetic of libjpeg and, for ink, of Pillow.
enum JpegColours {
    GREY(1) {
        @Override
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            put(rgb, to, samples[at], samples[at], samples[at]);
        }
    },
    RGB(3) {
        @Override
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            put(rgb, to, samples[at], samples[at + 1], samples[at + 2]);
        }
    },
    YCC(3) {
        @Override
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            int y = samples[at];
            int cb = samples[at + 1];
            int cr = samples[at + 2];
            put(rgb, to, red(y, cr), green(y, cb, cr), blue(y, cb));
        }
    },
    CMYK(4) {
        @Override
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            int paper = samples[at + 3];
            put(rgb, to, inked(samples[at], paper), inked(samples[at + 1], paper), inked(samples[at + 2], paper));
        }
    },
    YCCK(4) {
        @Override
        void toRgb(int[] samples, int at, byte[] rgb, int to) {
            int y = samples[at];
            int cb = samples[at + 1];
            int cr = samples[at + 2];
            int paper = samples[at + 3];
            put(
                    rgb,
                    to,
                    inked(255 - red(y, cr), paper),
                    inked(255 - green(y, cb, cr), paper),
                    inked(255 - blue(y, cb), paper));
        }
    };

    private static final int BITS = 16;
    private static final int HALF = 1 << (BITS - 1);
    private static final int CR_TO_RED = fixedPoint(1.40200);
    private static final int CB_TO_BLUE = fixedPoint(1.77200);
    private static final int CR_TO_GREEN = fixedPoint(0.71414);
    private static final int CB_TO_GREEN = fixedPoint(0.34414);

    private final int components;

    JpegColours(int components) {
        this.components = components;
    }

    int components() {
        return components;
    }

    /// Converts one pixel.
    ///
    /// @param samples 0..255, those of the pixel from `at` on
    abstract void toRgb(int[] samples, int at, byte[] rgb, int to);

    private static int fixedPoint(double factor) {
        return (int) (factor * (1 << BITS) + 0.5);
    }

    private static int red(int y, int cr) {
        return clip(y + ((CR_TO_RED * (cr - 128) + HALF) >> BITS));
    }

    private static int green(int y, int cb, int cr) {
        return clip(y + ((-CB_TO_GREEN * (cb - 128) - CR_TO_GREEN * (cr - 128) + HALF) >> BITS));
    }

    private static int blue(int y, int cb) {
        return clip(y + ((CB_TO_BLUE * (cb - 128) + HALF) >> BITS));
    }

    /// What is left of the paper's light. JPEG files hold inks inverted: 255 is no ink.
    private static int inked(int light, int paper) {
        int product = (255 - light) * paper + 128;
        return clip(paper - (((product >> 8) + product) >> 8));
    }

    private static int clip(int value) {
        return Math.clamp(value, 0, 255);
    }

    private static void put(byte[] rgb, int to, int red, int green, int blue) {
        rgb[to] = (byte) red;
        rgb[to + 1] = (byte) green;
        rgb[to + 2] = (byte) blue;
    }
}
