package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;

/// Which dataset to write.
///
/// @param count rows
/// @param seed of the world; a dataset of another seed holds other pictures, so one can be held out
/// @param side of all pictures in pixels
public record DatasetPlan(DatasetKind kind, int count, long seed, int side) {

    /// Pixels of one latent token along a side.
    private static final int FACTOR = 16;

    private static final int LEAST_SIDE = 32;
    private static final int MOST_SIDE = 512;
    private static final int MOST_ROWS = 1_000_000;

    /// @throws InvalidRequestException naming what cannot be used
    public DatasetPlan {
        if (count < 1 || count > MOST_ROWS) {
            throw new InvalidRequestException("count", "must be 1 to %s, found %s".formatted(MOST_ROWS, count));
        }
        if (side < LEAST_SIDE || side > MOST_SIDE || side % FACTOR != 0) {
            throw new InvalidRequestException(
                    "size",
                    "must be a multiple of %s from %s to %s, found %s".formatted(FACTOR, LEAST_SIDE, MOST_SIDE, side));
        }
    }
}
