package io.stencil.flux2.vae;

import io.stencil.error.InvalidRequestException;

/// How a large image is cut into tiles that are worked on one after another.
///
/// @param tilePixels side of a tile, a multiple of 16; a shorter side of the image makes the tile shorter
/// @param overlapPixels least overlap of neighbours, a multiple of 16 from 0 up to less than `tilePixels`;
///     results are blended linearly across it
public record Tiling(int tilePixels, int overlapPixels) {

    /// @throws InvalidRequestException when a number is out of range
    public Tiling {
        requireMultiple("tile_size", tilePixels);
        requireMultiple("tile_overlap", overlapPixels);
        if (tilePixels < 1 || overlapPixels < 0 || overlapPixels >= tilePixels) {
            throw new InvalidRequestException(
                    "tile_overlap",
                    "must be at least 0 and less than the tile size %s, found %s".formatted(tilePixels, overlapPixels));
        }
    }

    /// Tiles of 512 pixels that overlap by 128.
    public static Tiling standard() {
        return new Tiling(512, 128);
    }

    /// Tiles of which each begins at most `stridePixels` after its neighbour.
    ///
    /// @param stridePixels a multiple of 16 from 16 up to the tile's side
    /// @throws InvalidRequestException when a number is out of range
    public static Tiling withStride(int tilePixels, int stridePixels) {
        requireMultiple("tile_size", tilePixels);
        requireMultiple("tile_stride", stridePixels);
        if (tilePixels < 1) {
            throw new InvalidRequestException("tile_size", "must be at least 16, found " + tilePixels);
        }
        if (stridePixels < 1 || stridePixels > tilePixels) {
            throw new InvalidRequestException(
                    "tile_stride",
                    "must be at least 16 and at most the tile size %s, found %s".formatted(tilePixels, stridePixels));
        }
        return new Tiling(tilePixels, tilePixels - stridePixels);
    }

    private static void requireMultiple(String name, int pixels) {
        if (pixels % AutoencoderKlFlux2.PIXELS_PER_LATENT != 0) {
            throw new InvalidRequestException(
                    name,
                    "must be a multiple of %s pixels, found %s"
                            .formatted(AutoencoderKlFlux2.PIXELS_PER_LATENT, pixels));
        }
    }
}
