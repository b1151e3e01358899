package io.stencil.flux2.vae;

import io.stencil.tensor.DType;
import io.stencil.tensor.Device;
import io.stencil.tensor.Scope;
import io.stencil.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/// Runs one direction of the VAE tile by tile and blends the results.
///
/// @param inScale elements of the input for each latent, along a side
/// @param outScale elements of the result for each latent
/// @param outChannels channels of the result
record TiledPass(Tiling tiling, int inScale, int outScale, long outChannels) {

    /// @param x `[B, C, H, W]`
    /// @param model what turns a tile of `x` into a tile of the result
    /// @return in the dtype of `x`, owned by the caller's scope
    Tensor run(Tensor x, UnaryOperator<Tensor> model) {
        TileAxis rows = plan(x.size(2));
        TileAxis columns = plan(x.size(3));
        if (rows.starts().size() == 1 && columns.starts().size() == 1) {
            return model.apply(x);
        }
        try (Scope scope = new Scope()) {
            long height = x.size(2) / inScale * outScale;
            long width = x.size(3) / inScale * outScale;
            Tensor result = Tensors.zeros(DType.FLOAT32, Device.of(x), x.size(0), outChannels, height, width);
            for (int row = 0; row < rows.starts().size(); row++) {
                for (int column = 0; column < columns.starts().size(); column++) {
                    try (Scope _ = new Scope()) {
                        Tensor strip = cut(x, 2, rows, row, inScale);
                        Tensor tile = DType.FLOAT32.cast(model.apply(cut(strip, 3, columns, column, inScale)));
                        Tensor down = Tensors.of(rows.shares(row, outScale), 1, 1, tile.size(2), 1);
                        Tensor across = Tensors.of(columns.shares(column, outScale), 1, 1, 1, tile.size(3));
                        Device device = Device.of(x);
                        Tensor share = tile.mul(device.place(down)).mul(device.place(across));
                        cut(cut(result, 2, rows, row, outScale), 3, columns, column, outScale)
                                .add_(share);
                    }
                }
            }
            return scope.keep(DType.of(x).cast(result));
        }
    }

    private TileAxis plan(long elements) {
        int latents = Math.toIntExact(elements / inScale);
        int pixels = AutoencoderKlFlux2.PIXELS_PER_LATENT;
        return TileAxis.plan(latents, tiling.tilePixels() / pixels, tiling.overlapPixels() / pixels);
    }

    private static Tensor cut(Tensor x, long dim, TileAxis axis, int tile, int scale) {
        return x.narrow(dim, (long) axis.starts().get(tile) * scale, (long) axis.length() * scale);
    }

    /// The tiles along one side of an image, spread evenly, with the share that each has in what it covers.
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
}
