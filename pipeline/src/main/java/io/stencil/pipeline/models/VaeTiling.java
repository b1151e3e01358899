package io.stencil.pipeline.models;

import io.stencil.flux2.vae.Tiling;

/// Which pictures go through the VAE in tiles. Tiles bound the memory of it, and change the result a little.
///
/// @param tiles how a picture is cut
/// @param wholePixels a picture of at most this many pixels goes through as a whole, as does one that fits in a tile
public record VaeTiling(Tiling tiles, long wholePixels) {

    /// Those that need more memory as a whole than a transformer of four billion weights beside it leaves of 24 GB.
    public static final VaeTiling OF_LARGE_PICTURES = new VaeTiling(Tiling.standard(), 2048L * 2048);

    /// All that do not fit in a tile.
    public static VaeTiling always(Tiling tiles) {
        return new VaeTiling(tiles, 0);
    }

    boolean cuts(long height, long width) {
        return height * width > wholePixels;
    }
}
