package io.stencil.image;

/// A reversible change of the pixels of a lossless WebP image that lets them compress better (RFC 9649, section 3.5).
///
/// Pixels are `0xAARRGGBB`, row by row.
sealed interface LosslessTransform
        permits PredictorTransform, ColourTransform, SubtractGreenTransform, PaletteTransform {

    /// In the order of the numbers in files.
    enum Kind {
        PREDICTOR,
        COLOUR,
        SUBTRACT_GREEN,
        PALETTE
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
