package io.stencil.image;

/// Pixels are sent as their differences to what their neighbours foretell.
final class PredictorTransform implements LosslessTransform {

    private static final int BLACK = 0xFF000000;

    private final AreaMap predictors;
    private final int width;
    private final int height;

    /// @param predictors the predictor of each area, 0 to 15, in bits 8 to 11
    PredictorTransform(AreaMap predictors, int width, int height) {
        this.predictors = predictors;
        this.width = width;
        this.height = height;
    }

    @Override
    public int sentWidth() {
        return width;
    }

    @Override
    public int[] undo(int[] argb) {
        argb[0] = LosslessTransform.add(argb[0], BLACK);
        for (int x = 1; x < width; x++) {
            argb[x] = LosslessTransform.add(argb[x], argb[x - 1]);
        }
        for (int y = 1, at = width; y < height; y++) {
            argb[at] = LosslessTransform.add(argb[at], argb[at - width]);
            at++;
            for (int x = 1; x < width; x++, at++) {
                int predictor = predictors.at(x, y) >> 8 & 0xF;
                argb[at] = LosslessTransform.add(argb[at], prediction(predictor, argb, at));
            }
        }
        return argb;
    }

    /// What stands right above the last column is the first pixel of its own row.
    private int prediction(int predictor, int[] argb, int at) {
        int left = argb[at - 1];
        int top = argb[at - width];
        int topRight = argb[at - width + 1];
        int topLeft = argb[at - width - 1];
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

    /// Rounded down, each channel by itself.
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

    /// `a + b - c`, each channel held between 0 and 255.
    private static int gradient(int a, int b, int c) {
        int pixel = 0;
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            int sum = (a >>> shift & 0xFF) + (b >>> shift & 0xFF) - (c >>> shift & 0xFF);
            pixel |= Math.clamp(sum, 0, 255) << shift;
        }
        return pixel;
    }

    /// `a + (a - b) / 2` rounded towards 0, each channel held between 0 and 255.
    private static int halfGradient(int a, int b) {
        int pixel = 0;
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            int channel = a >>> shift & 0xFF;
            pixel |= Math.clamp(channel + (channel - (b >>> shift & 0xFF)) / 2, 0, 255) << shift;
        }
        return pixel;
    }
}
