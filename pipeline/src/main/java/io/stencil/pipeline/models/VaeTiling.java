package io.stencil.pipeline.models;

import io.stencil.flux2.vae.Tiling;

/// Which images go through the VAE in tiles. Tiles bound the memory of it, and change the result a little.
///
/// @param tiles how an image is cut
/// @param wholePixels an image of at most this many pixels goes through as a whole, as does one that fits in a tile
public record VaeTiling(Tiling tiles, long wholePixels) {

    /// Those above 2048 x 2048 pixels: up to there images equal the reference's, which does not cut any.
    public static final VaeTiling OF_LARGE_IMAGES = new VaeTiling(Tiling.standard(), 2048L * 2048);

    /// All that do not fit in a tile.
    public static VaeTiling always(Tiling tiles) {
        return new VaeTiling(tiles, 0);
    }

    boolean cuts(long height, long width) {
        return height * width > wholePixels;
    }
}
