package io.stencil.lab.world;

import io.stencil.error.InvalidRequestException;
import io.stencil.image.ImageSize;
import io.stencil.image.RgbImage;

/// How like two images, or two shapes, are.
public final class Likeness {

    private static final double COVERED = 0.5;

    private Likeness() {}

    /// Intersection over union of what two planes cover by half or more, 0 to 1; 0 when neither covers anything.
    public static double overlap(Plane one, Plane other) {
        requireEqual(one.size(), other.size());
        int both = 0;
        int either = 0;
        for (int at = 0; at < one.values().length; at++) {
            boolean first = one.values()[at] >= COVERED;
            boolean second = other.values()[at] >= COVERED;
            both += first && second ? 1 : 0;
            either += first || second ? 1 : 0;
        }
        return either == 0 ? 0 : both / (double) either;
    }

    /// Peak signal-to-noise ratio in dB, the peak being 255; infinite for equal images.
    public static double psnr(RgbImage one, RgbImage other) {
        requireEqual(one.size(), other.size());
        double squares = 0;
        for (int at = 0; at < one.rgb().length; at++) {
            double difference = (one.rgb()[at] & 0xFF) - (other.rgb()[at] & 0xFF);
            squares += difference * difference;
        }
        return 10 * Math.log10(255.0 * 255.0 * one.rgb().length / squares);
    }

    /// Mean absolute difference of samples, 0 to 1, where `mask` is black; NaN where it nowhere is.
    public static double differenceOutside(RgbImage mask, RgbImage one, RgbImage other) {
        return difference(mask, false, one, other);
    }

    /// Mean absolute difference of samples, 0 to 1, where `mask` is not black; NaN where it all is.
    public static double differenceInside(RgbImage mask, RgbImage one, RgbImage other) {
        return difference(mask, true, one, other);
    }

    private static double difference(RgbImage mask, boolean inside, RgbImage one, RgbImage other) {
        requireEqual(one.size(), other.size());
        requireEqual(one.size(), mask.size());
        long sum = 0;
        long count = 0;
        for (int at = 0; at < one.rgb().length; at++) {
            if (mask.rgb()[at] != 0 == inside) {
                sum += Math.abs((one.rgb()[at] & 0xFF) - (other.rgb()[at] & 0xFF));
                count++;
            }
        }
        return count == 0 ? Double.NaN : sum / (255.0 * count);
    }

    private static void requireEqual(ImageSize one, ImageSize other) {
        if (!one.equals(other)) {
            throw new InvalidRequestException("images", "%s and %s pixels cannot be compared".formatted(one, other));
        }
    }
}
