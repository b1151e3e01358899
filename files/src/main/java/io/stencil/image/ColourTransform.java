package io.stencil.image;

/// Red is sent without what green foretells of it, blue without what green and red foretell.
final class ColourTransform implements LosslessTransform {

    private final AreaMap factors;
    private final int width;
    private final int height;

    /// @param factors of each area: green to red in bits 0 to 7, green to blue in 8 to 15, red to blue in 16 to 23
    ColourTransform(AreaMap factors, int width, int height) {
        this.factors = factors;
        this.width = width;
        this.height = height;
    }

    @Override
    public int sentWidth() {
        return width;
    }

    @Override
    public int[] undo(int[] argb) {
        for (int y = 0, at = 0; y < height; y++) {
            for (int x = 0; x < width; x++, at++) {
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

    /// Of the lowest bytes, which have a sign; the factor counts thirty-seconds.
    private static int product(int factor, int channel) {
        return ((byte) factor * (byte) channel) >> 5;
    }
}
