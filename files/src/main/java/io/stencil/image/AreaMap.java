package io.stencil.image;

/// Maps each pixel of a lossless WebP image to the value of its area; areas are squares of `1 << bits` pixels a side.
final class AreaMap {

    private final int[] values;
    private final int across;
    private final int bits;

    /// @param values of the areas, row by row, `count(width, bits)` in each
    /// @param width of the image in pixels
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
