package io.stencil.lab.world;

import io.stencil.image.ImageSize;
import io.stencil.image.ResampleFilter;
import io.stencil.image.Resampler;
import io.stencil.image.RgbImage;

/// Pictures that have lost their detail.
public final class Reduction {

    private static final int FACTOR = 4;

    private Reduction() {}

    /// A picture made small, to a quarter of its sides, and large again.
    public static RgbImage of(RgbImage image) {
        ImageSize small = new ImageSize(image.width() / FACTOR, image.height() / FACTOR);
        RgbImage reduced = Resampler.resize(image, small, ResampleFilter.BICUBIC);
        return Resampler.resize(reduced, image.size(), ResampleFilter.BICUBIC);
    }
}
