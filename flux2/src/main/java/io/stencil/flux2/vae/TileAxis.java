package io.stencil.flux2.vae;

import java.util.ArrayList;
import java.util.List;

/// The tiles along one side of a picture, spread evenly, with the share that each has in what it covers.
///
/// @param starts first latent of each tile, ascending
/// @param length latents of each tile
record TileAxis(List<Integer> starts, int length) {

    /// The fewest tiles that cover `size` latents with at least `overlap` between neighbours.
    ///
    /// @param length latents of a tile
    static TileAxis plan(int size, int length, int overlap) {
        if (size <= length) {
            return new TileAxis(List.of(0), size);
        }
        int gaps = Math.ceilDiv(size - length, length - overlap);
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i <= gaps; i++) {
            starts.add((int) ((long) (size - length) * i / gaps));
        }
        return new TileAxis(List.copyOf(starts), length);
    }

    /// The share of one tile in each element that it covers: rising and falling linearly across the overlaps with
    /// its neighbours. The shares of all tiles add up to 1 everywhere.
    ///
    /// @param scale elements for each latent
    float[] shares(int tile, int scale) {
        int start = starts.get(tile) * scale;
        float[] shares = new float[length * scale];
        for (int i = 0; i < shares.length; i++) {
            double total = 0;
            for (int other = 0; other < starts.size(); other++) {
                total += ramp(other, start + i, scale);
            }
            shares[i] = (float) (ramp(tile, start + i, scale) / total);
        }
        return shares;
    }

    private double ramp(int tile, int position, int scale) {
        int start = starts.get(tile) * scale;
        int end = start + length * scale;
        if (position < start || position >= end) {
            return 0;
        }
        double share = 1;
        if (tile > 0) {
            int overlap = (starts.get(tile - 1) + length) * scale - start;
            share = overlap == 0 ? 1 : Math.min(share, (position - start + 0.5) / overlap);
        }
        if (tile < starts.size() - 1) {
            int overlap = end - starts.get(tile + 1) * scale;
            share = overlap == 0 ? share : Math.min(share, (end - position - 0.5) / overlap);
        }
        return share;
    }
}
