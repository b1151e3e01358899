package io.stencil.image;

import java.util.Arrays;

/// Pixels are sent as indices of a palette, in the green channel; of a small palette several in one pixel.
final class PaletteTransform implements LosslessTransform {

    private final int[] palette;
    private final int packedBits;
    private final int width;
    private final int height;

    /// @param differences of each colour to the one before it; at most 256
    PaletteTransform(int[] differences, int width, int height) {
        int colours = differences.length;
        this.packedBits = colours > 16 ? 0 : colours > 4 ? 1 : colours > 2 ? 2 : 3;
        // An index behind the last colour is transparent black.
        this.palette = Arrays.copyOf(differences, 1 << indexBits());
        for (int i = 1; i < colours; i++) {
            palette[i] = LosslessTransform.add(palette[i], palette[i - 1]);
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
