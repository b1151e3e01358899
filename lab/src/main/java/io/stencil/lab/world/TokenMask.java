package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// Masks of whole latent tokens, so that resizing one to the latents' size leaves its edges hard.
public final class TokenMask {

    /// Pixels of one latent token along a side.
    private static final int TOKEN = 16;

    /// Coverage from which on a pixel counts.
    private static final double TOUCHED = 0.002;

    private TokenMask() {}

    /// White in the least rectangle of tokens that holds all that either plane covers, black elsewhere.
    public static RgbImage over(Plane one, Plane other) {
        ImageSize size = one.size();
        int left = size.width();
        int right = 0;
        int top = size.height();
        int bottom = 0;
        for (int y = 0; y < size.height(); y++) {
            for (int x = 0; x < size.width(); x++) {
                if (Math.max(one.at(x, y), other.at(x, y)) > TOUCHED) {
                    left = Math.min(left, x / TOKEN);
                    right = Math.max(right, x / TOKEN + 1);
                    top = Math.min(top, y / TOKEN);
                    bottom = Math.max(bottom, y / TOKEN + 1);
                }
            }
        }
        int fromX = left * TOKEN;
        int toX = right * TOKEN;
        int fromY = top * TOKEN;
        int toY = bottom * TOKEN;
        Plane mask = Plane.of(size, (x, y) -> x >= fromX && x < toX && y >= fromY && y < toY ? 1 : 0);
        return Canvas.of(_ -> mask).toImage();
    }
}
