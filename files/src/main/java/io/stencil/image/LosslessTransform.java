package io.stencil.image;

/// A reversible change of the pixels of a lossless WebP image that lets them compress better (RFC 9649, section 3.5).
///
/// Pixels are `0xAARRGGBB`, row by row.
sealed interface LosslessTransform
        permits PredictorTransform, ColourTransform, SubtractGreenTransform, PaletteTransform {

    /// What is done to the pixels.
    enum Kind {
        PREDICTOR,
        COLOUR,
        SUBTRACT_GREEN,
        PALETTE;

        /// @param number in the file, 0 to 3
        static Kind of(int number) {
            return switch (number) {
                case 0 -> PREDICTOR;
                case 1 -> COLOUR;
                case 2 -> SUBTRACT_GREEN;
                default -> PALETTE;
            };
        }
    }

    /// Columns of the changed image.
    int sentWidth();

    /// The image before the change.
    ///
    /// @param argb the changed image, `sentWidth()` pixels a row, which may be overwritten
    int[] undo(int[] argb);

    /// The sum of two pixels, each channel modulo 256.
    static int add(int a, int b) {
        return ((a & 0xFF00FF00) + (b & 0xFF00FF00) & 0xFF00FF00) | ((a & 0xFF00FF) + (b & 0xFF00FF) & 0xFF00FF);
    }
}
