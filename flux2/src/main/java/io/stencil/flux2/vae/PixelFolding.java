package io.stencil.flux2.vae;

import org.bytedeco.pytorch.Tensor;

/// Folds 2 x 2 neighbours into channels (Shi et al. 2016, arXiv:1609.05158), channel order (C, row, column), and
/// back.
final class PixelFolding {

    private PixelFolding() {}

    /// @param x `[B, C, 2h, 2w]`
    /// @return `[B, 4C, h, w]`
    static Tensor fold(Tensor x) {
        long batch = x.size(0);
        long channels = x.size(1);
        long height = x.size(2) / 2;
        long width = x.size(3) / 2;
        return x.reshape(batch, channels, height, 2, width, 2)
                .permute(0, 1, 3, 5, 2, 4)
                .reshape(batch, channels * 4, height, width);
    }

    /// @param x `[B, 4C, h, w]`
    /// @return `[B, C, 2h, 2w]`
    static Tensor unfold(Tensor x) {
        long batch = x.size(0);
        long channels = x.size(1) / 4;
        long height = x.size(2);
        long width = x.size(3);
        return x.reshape(batch, channels, 2, 2, height, width)
                .permute(0, 1, 4, 2, 5, 3)
                .reshape(batch, channels, height * 2, width * 2);
    }
}
