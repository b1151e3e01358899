package io.stencil.cli.demo;

import io.stencil.image.RgbImage;

/// How bright a picture is.
final class Brightness {

    private Brightness() {}

    /// The mean of all samples, 0 for black to 1 for white.
    static double of(RgbImage image) {
        long sum = 0;
        for (byte sample : image.rgb()) {
            sum += sample & 0xFF;
        }
        return sum / (255.0 * image.rgb().length);
    }
}
