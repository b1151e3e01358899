package io.stencil.image;

import java.util.Arrays;

/// Inverts a reversible change of the pixels of a lossless WebP image that lets them compress better (RFC 9649,
/// section 3.5).
///
/// Pixels are `0xAARRGGBB`, row by row.
sealed interface LosslessTransform {

    /// Columns of the transformed image.
    int sentWidth();

    /// Returns the image before the transform.
    ///
    /// @param argb the transformed image, `sentWidth()` pixels a row, which may be overwritten
    int[] undo(int[] argb);

    /// Adds two pixels, each channel modulo 256.
    private static int add(int a, int b) {
        return ((a & 0xFF00FF00) + (b & 0xFF00FF00) & 0xFF00FF00) | ((a & 0xFF00FF) + (b & 0xFF00FF) & 0xFF00FF);
    }

    /// Maps each pixel of an image to the value of its area; areas are squares of `1 << bits` pixels a side.
    final class AreaMap {

        private final int[] values;
        private final int across;
        private final int bits;

        /// @param values values of the areas, row by row, `count(width, bits)` in each
        /// @param width width of the image in pixels
        AreaMap(int[] values, int width, int bits) {
            this.values = values;
            this.across = count(width, bits);
            this.bits = bits;
        }

        /// Counts the areas along a side of `pixels`.
        static int count(int pixels, int bits) {
            return (pixels + (1 << bits) - 1) >> bits;
        }

        /// Returns the value of the area that holds a pixel.
        int at(int x, int y) {
            return values[(y >> bits) * across + (x >> bits)];
        }
    }

    /// Restores pixels that were sent as their differences to a prediction from their neighbours.
    ///
    /// @param predictors the predictor of each area, 0 to 15, in bits 8 to 11
    record Predictor(AreaMap predictors, int sentWidth, int height) implements LosslessTransform {

        private static final int BLACK = 0xFF000000;

        @Override
        public int[] undo(int[] argb) {
            argb[0] = add(argb[0], BLACK);
            for (int x = 1; x < sentWidth; x++) {
                argb[x] = add(argb[x], argb[x - 1]);
            }
            for (int y = 1, at = sentWidth; y < height; y++) {
                argb[at] = add(argb[at], argb[at - sentWidth]);
                at++;
                for (int x = 1; x < sentWidth; x++, at++) {
                    argb[at] = add(argb[at], prediction(predictors.at(x, y) >> 8 & 0xF, argb, at));
                }
            }
            return argb;
        }

        /// Predicts a pixel. Right above the last column stands the first pixel of the pixel's own row.
        private int prediction(int predictor, int[] argb, int at) {
            int left = argb[at - 1];
            int top = argb[at - sentWidth];
            int topRight = argb[at - sentWidth + 1];
            int topLeft = argb[at - sentWidth - 1];
            return switch (predictor) {
                case 1 -> left;
                case 2 -> top;
                case 3 -> topRight;
                case 4 -> topLeft;
                case 5 -> mean(mean(left, topRight), top);
                case 6 -> mean(left, topLeft);
                case 7 -> mean(left, top);
                case 8 -> mean(topLeft, top);
                case 9 -> mean(top, topRight);
                case 10 -> mean(mean(left, topLeft), mean(top, topRight));
                case 11 -> distance(top, topLeft) < distance(left, topLeft) ? left : top;
                case 12 -> gradient(left, top, topLeft);
                case 13 -> halfGradient(mean(left, top), topLeft);
                default -> BLACK;
            };
        }

        /// Averages each channel by itself, rounded down.
        private static int mean(int a, int b) {
            return ((a ^ b) >>> 1 & 0x7F7F7F7F) + (a & b);
        }

        private static int distance(int a, int b) {
            int sum = 0;
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                sum += Math.abs((a >>> shift & 0xFF) - (b >>> shift & 0xFF));
            }
            return sum;
        }

        /// Computes `a + b - c`, each channel clamped to 0..255.
        private static int gradient(int a, int b, int c) {
            int pixel = 0;
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                int sum = (a >>> shift & 0xFF) + (b >>> shift & 0xFF) - (c >>> shift & 0xFF);
                pixel |= Math.clamp(sum, 0, 255) << shift;
            }
            return pixel;
        }

        /// Computes `a + (a - b) / 2` rounded towards 0, each channel clamped to 0..255.
        private static int halfGradient(int a, int b) {
            int pixel = 0;
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                int channel = a >>> shift & 0xFF;
                pixel |= Math.clamp(channel + (channel - (b >>> shift & 0xFF)) / 2, 0, 255) << shift;
            }
            return pixel;
        }
    }

    /// Adds to red its prediction from green, and to blue its prediction from green and red.
    ///
    /// @param factors factors of each area: green to red in bits 0 to 7, green to blue in 8 to 15, red to blue in 16
    ///     to 23
    record Colour(AreaMap factors, int sentWidth, int height) implements LosslessTransform {

        @Override
        public int[] undo(int[] argb) {
            for (int y = 0, at = 0; y < height; y++) {
                for (int x = 0; x < sentWidth; x++, at++) {
                    int area = factors.at(x, y);
                    int pixel = argb[at];
                    int green = pixel >> 8;
                    int red = (pixel >> 16) + product(area, green);
                    int blue = pixel + product(area >> 8, green) + product(area >> 16, red);
                    argb[at] = (pixel & 0xFF00FF00) | (red & 0xFF) << 16 | (blue & 0xFF);
                }
            }
            return argb;
        }

        /// Multiplies the lowest bytes, which have a sign; the factor counts thirty-seconds.
        private static int product(int factor, int channel) {
            return ((byte) factor * (byte) channel) >> 5;
        }
    }

    /// Adds green to red and blue, which were sent as their differences to it.
    record SubtractGreen(int sentWidth) implements LosslessTransform {

        @Override
        public int[] undo(int[] argb) {
            for (int i = 0; i < argb.length; i++) {
                int green = argb[i] >> 8 & 0xFF;
                argb[i] = add(argb[i], green << 16 | green);
            }
            return argb;
        }
    }

    /// Looks up pixels that were sent as indices of a palette in the green channel; a small palette has several indices
    /// in one pixel.
    final class Palette implements LosslessTransform {

        private final int[] palette;
        private final int packedBits;
        private final int width;
        private final int height;

        /// @param differences differences of each colour to the one before it; at most 256
        Palette(int[] differences, int width, int height) {
            int colours = differences.length;
            this.packedBits = colours > 16 ? 0 : colours > 4 ? 1 : colours > 2 ? 2 : 3;
            // An index behind the last colour is transparent black.
            this.palette = Arrays.copyOf(differences, 1 << indexBits());
            for (int i = 1; i < colours; i++) {
                palette[i] = add(palette[i], palette[i - 1]);
            }
            this.width = width;
            this.height = height;
        }

        private int indexBits() {
            return Byte.SIZE >> packedBits;
        }

        @Override
        public int sentWidth() {
            return AreaMap.count(width, packedBits);
        }

        @Override
        public int[] undo(int[] argb) {
            int[] colours = new int[width * height];
            int inPixel = (1 << packedBits) - 1;
            for (int y = 0, at = 0; y < height; y++) {
                int row = y * sentWidth();
                for (int x = 0; x < width; x++, at++) {
                    int packed = argb[row + (x >> packedBits)] >> 8 & 0xFF;
                    int index = packed >> ((x & inPixel) * indexBits());
                    colours[at] = palette[index & (palette.length - 1)];
                }
            }
            return colours;
        }
    }
}
