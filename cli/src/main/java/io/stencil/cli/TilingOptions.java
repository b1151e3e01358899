package io.stencil.cli;

import io.stencil.error.InvalidRequestException;
import io.stencil.flux2.vae.Tiling;
import io.stencil.pipeline.models.LoadOptions;
import io.stencil.pipeline.models.VaeTiling;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Which pictures go through the VAE in tiles.
final class TilingOptions {

    @Option(
            names = "--tiled",
            description = "Encode and decode pictures in tiles, which takes less memory and changes them a little. "
                    + "Without it those above 2048 x 2048 pixels are.")
    private boolean tiled;

    @Option(
            names = "--tile_size",
            paramLabel = "PIXELS",
            description = "Side of a tile, a multiple of 16; memory grows with its square. Default: 512.")
    private @Nullable Integer size;

    @Option(
            names = "--tile_stride",
            paramLabel = "PIXELS",
            description = "From one tile to the next, at most its side; neighbours are blended where they overlap. "
                    + "Default: about three quarters of the side.")
    private @Nullable Integer stride;

    /// @throws InvalidRequestException naming the option that cannot be used
    LoadOptions apply(LoadOptions load) {
        if (!tiled) {
            refuse("tile_size", size);
            refuse("tile_stride", stride);
            return load;
        }
        int side = size == null ? Tiling.standard().tilePixels() : size;
        return load.withTiling(VaeTiling.always(Tiling.withStride(side, stride == null ? usualStride(side) : stride)));
    }

    /// A multiple of 16, as the side is, and less than it where there is room for that.
    private static int usualStride(int side) {
        return Math.max(1, side / 16 * 3 / 4) * 16;
    }

    private static void refuse(String option, @Nullable Integer value) {
        if (value != null) {
            throw new InvalidRequestException(option, "needs --tiled: without it there are no tiles to measure");
        }
    }
}
